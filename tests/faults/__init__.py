"""`make faults`: real faulty servers, one run of the agent, and a table of what it named."""
