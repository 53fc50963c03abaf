"""Functions of a script or a notebook as the code of a job: packed, checked, put into the table."""
