"""EventBridge's part in the local cloud: from a job's change of state to the targets of the rules.

Rules and targets are those of the account (MiniStack keeps them); what MiniStack can't do is take
events whose source is AWS, keep to permissions and dead-letter queues, and limit how many
functions run at once.
"""
