"""What would stop `up`, or make jobs wait for ever, in this account, region and network.

Checks that change nothing, side by side: what each looked at, what it found, what to do about it.

- `findings`     how a check comes out
- `machine`      this machine: the folder, the compute function, what builds the image
- `account`      whose credentials, where, for how long; clocks; the roles that AWS wants
- `permissions`  whether the caller may do what `up` does
- `network`      VPC, subnets, free addresses, the way to AWS's services
- `capacity`     quotas of vCPUs and of functions, instance types in the zones
- `deployment`   names that are taken, the certificate, what is up already
- `examination`  all of them
"""
