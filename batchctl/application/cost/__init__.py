"""What the application costs: prices with their sources, and what stands idle.

- `prices`      the table that is shipped, and who says so
- `price_list`  AWS's own, asked for and kept for a day
- `standing`    what a month of the stack costs while nothing is done with it
"""
