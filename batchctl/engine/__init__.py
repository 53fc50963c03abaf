"""Graph order, difference, plan, apply, state: knows resources by their contract, no AWS service.

The flow: `plan.make_plan` walks the stack in dependency order, reads what AWS has and decides a
Step for each resource; `apply.apply` walks it again with real outputs and carries out the decided
steps, one worker per ready resource; `destroy` walks the state backwards. All three use
`walk.walk`, write through `state.StateFile` and report progress as the events of `events`.
"""
