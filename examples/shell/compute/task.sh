#!/bin/sh
# One task of a batchctl job, without Python: finds its items, works on each, and tells by its exit
# code whether all of them succeeded. docs/compute.md has the variables and the table.
set -eu
trap 'exit 143' TERM # a reclaimed host: AWS Batch starts the task anew

main() {
    if [ -z "${AWS_ACCESS_KEY_ID:-}" ]; then take_credentials; fi
    first=$((BATCHCTL_FIRST_ITEM + ${AWS_BATCH_JOB_ARRAY_INDEX:-0} * BATCHCTL_ITEMS_PER_TASK))
    number=$first
    failed=0
    while [ "$number" -lt $((first + BATCHCTL_ITEMS_PER_TASK)) ]; do
        item=$(item "$number")
        if [ -z "$item" ] && [ "$number" -gt "$first" ]; then break; fi # the last task has fewer
        if ! /app/is_prime.sh "$item"; then failed=1; fi
        number=$((number + 1))
    done
    return "$failed"
}

# item NUMBER: print an item of the universe, which the table has in chunks.
item() {
    chunk=$(printf 'UNIVERSE#%08d' $(($1 / BATCHCTL_ITEMS_PER_CHUNK)))
    if [ "${BATCHCTL_ATTEMPT:-1}" -gt 1 ]; then
        chunk=$(printf 'ATTEMPT#%02d#%s' "$BATCHCTL_ATTEMPT" "$chunk")
    fi
    answer=$(batch_get_item "{\"RequestItems\": {\"$BATCHCTL_TABLE\": {
        \"Keys\": [{\"job_id\": {\"S\": \"$BATCHCTL_JOB_ID\"}, \"item\": {\"S\": \"$chunk\"}}],
        \"ProjectionExpression\": \"#items[$(($1 % BATCHCTL_ITEMS_PER_CHUNK))]\",
        \"ExpressionAttributeNames\": {\"#items\": \"items\"},
        \"ConsistentRead\": true
    }}}")
    echo "$answer" | jq --raw-output \
        'if .UnprocessedKeys == {} then .Responses[][].items.L[]?.S else error("throttled") end'
}

# batch_get_item REQUEST: call DynamoDB, as the job role; the key's secret stays off command lines.
batch_get_item() {
    curl --silent --show-error --fail --retry 5 --retry-all-errors --config - --data "$1" \
        --header 'content-type: application/x-amz-json-1.0' \
        --header 'x-amz-target: DynamoDB_20120810.BatchGetItem' \
        "${AWS_ENDPOINT_URL:-https://dynamodb.$AWS_DEFAULT_REGION.amazonaws.com}" <<END
aws-sigv4 = "aws:amz:$AWS_DEFAULT_REGION:dynamodb"
user = "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
header = "x-amz-security-token: $AWS_SESSION_TOKEN"
END
}

# Amazon ECS gives a task its role's credentials at this address (ECS developer guide, "Task IAM
# role"); the local cloud gives them in the environment.
take_credentials() {
    given=$(curl --silent --show-error --fail --retry 5 \
        "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    AWS_ACCESS_KEY_ID=$(echo "$given" | jq --raw-output .AccessKeyId)
    AWS_SECRET_ACCESS_KEY=$(echo "$given" | jq --raw-output .SecretAccessKey)
    AWS_SESSION_TOKEN=$(echo "$given" | jq --raw-output .Token)
}

main
