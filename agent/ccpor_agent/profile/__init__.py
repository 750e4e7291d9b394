"""The profile: which targets, checks and limits a court's machine is asked about."""

from ccpor_agent.profile.faults import ProfileFault, ProfileInvalid
from ccpor_agent.profile.reader import parse_profile, read_profile
from ccpor_agent.profile.shape import Profile, target_ref

__all__ = [
    "Profile",
    "ProfileFault",
    "ProfileInvalid",
    "parse_profile",
    "read_profile",
    "target_ref",
]
