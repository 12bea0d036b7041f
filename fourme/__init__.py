"""What speaks to 4me, bottom up.

startup       signals that come before the step is loaded
errors        what can go wrong, and the exit code of each
settings      defaults, and the environment variables that change them
logs          what is printed: no secrets, no control characters, no endless lines
clock         time, waiting, chance and termination, replaceable in tests
schema        the inputs, read from spec.schema.json
depth         how deep values are nested
conversion    values as engines deliver them, to their documented types
spellings     texts with the escapes of URLs, JSON and HTML undone
redaction     the secrets of a run, and how they are kept out of texts
quotes        what a server quotes of private texts, found and taken out
retry         the one retry policy, pure
mishaps       what can become of one attempt at a call
adapter       HTTP connections that skip interim answers
transport     one exchange over HTTP
delivery      the loop that repeats it under the retry policy
hosts         where 4me is
attachments   the files that a spec names, before anything is sent
translation   a validated spec, to the body of the API call
formats       what the schema says beyond draft-07
precheck      whether a spec is valid beyond doubt
judge         jsonschema, where it is not, and what a user reads of its verdict
validation    from a spec to an order
refusals      what 4me's own errors mean
arrival       whether an update whose answer was lost has arrived
api           the 4me API over HTTP
storage       4me's attachment storage: files to keys
client        an update, from its files to its answer
"""

VERSION = "2.0.0"
