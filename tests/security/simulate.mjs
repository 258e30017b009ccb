// Evaluates requests against IAM policies, offline: reads a JSON list from standard input, and writes one of verdicts.
import { runSimulation } from '@cloud-copilot/iam-simulate'
import { json } from 'node:stream/consumers'

// Of keys with a variable part, iam-simulate 0.1.173 knows those with a slash alone, and would leave these out of the
// request. They are compared as any other string.
const UNKNOWN = /kms:EncryptionContext:|token\.actions\.githubusercontent\.com:/g
const readable = (value) => JSON.parse(JSON.stringify(value).replaceAll(UNKNOWN, 'aws:RequestTag/'))

const named = (policy) => (policy ? [{ name: 'policy', policy: readable(policy) }] : [])

// Its `*` is the dot of a regular expression, which ends where a line does. AWS's stands for any character.
const inOneLine = ({ resource, ...rest }) => ({
  ...rest,
  resource: { ...resource, resource: resource.resource.replaceAll(/[\n\r\u2028\u2029]/g, '_') }
})

const verdicts = []
for (const { request, identityPolicy, resourcePolicy, endpointPolicy } of await json(process.stdin)) {
  const answer = await runSimulation(
    {
      request: readable(inOneLine(request)),
      identityPolicies: named(identityPolicy),
      resourcePolicy: resourcePolicy ? readable(resourcePolicy) : undefined,
      vpcEndpointPolicies: endpointPolicy && named(endpointPolicy),
      serviceControlPolicies: [],
      resourceControlPolicies: []
    },
    {}
  )
  // An action that does not exist, a resource that is none of the action's, or a condition key that it does not have.
  const ignored = (answer.results ?? [answer.result]).flatMap((result) => result?.ignoredContextKeys ?? [])
  if (answer.resultType === 'error' || ignored.length) {
    throw new Error(`${JSON.stringify(request)}: ${JSON.stringify(answer.errors ?? ignored)}`)
  }
  verdicts.push(answer.overallResult)
}
process.stdout.write(JSON.stringify(verdicts))
