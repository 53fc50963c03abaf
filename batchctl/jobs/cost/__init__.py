"""What a job cost: the seconds of its attempts, times its share of a machine's price at that time.

- `ledger`  the sums, with no call: attempts and prices in, a range of dollars out
- `market`  the machines that may have run it, and their prices, as EC2 tells
"""
