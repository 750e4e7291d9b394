"""Network capacity as a court means it: will the orders arrive in time at the busiest hour?

Pure: workload in, required rate and the time of an order out. Who measures is `ccpor_checks`.
"""
