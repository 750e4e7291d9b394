"""`make capacity-lab`: what the capacity check measures, on lines whose truth was set, beside iperf3 and a plain POST.

`site` is a collector and an enrolled workstation for any number of lines; `asking` is what the workstation does
within one; `cells`, `decisions`, `collateral` and `gray` are what is asked; `scoring` holds it against the bar.
"""
