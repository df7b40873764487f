"""What a backend replied is checked before it is judged: each record can be read again."""

import math
from dataclasses import replace

import msgspec

from fakebench_suite.backends.base import Capability, lacks_options
from fakebench_suite.errors import ModelError
from fakebench_suite.runs.record_lines import make_plain
from fakebench_suite.text.surrogates import replace_lone_surrogates
from fakebench_suite.types import Answer


def check_reply(reply: object, *, want: Capability) -> Answer | ModelError:
    """The reply as it is recorded; what is no answer to the request is a ModelError."""
    if isinstance(reply, ModelError):
        return make_encodable(reply)
    if not isinstance(reply, Answer):
        return ModelError(f"the backend gave {type(reply).__name__} in place of an Answer")
    if not isinstance(reply.text, str):
        return ModelError(f"the backend gave {type(reply.text).__name__} as the text of its answer")
    try:
        reply = msgspec.convert(msgspec.to_builtins(reply, enc_hook=make_plain), Answer)
    except (msgspec.ValidationError, TypeError) as error:
        return ModelError(f"the backend gave an answer that cannot be recorded: {error}")
    if not math.isfinite(reply.seconds):
        return ModelError(f"the backend gave {reply.seconds} as the seconds of its answer")
    if want is Capability.PROBABILITIES and reply.p_fake is None and not lacks_options(reply):
        return ModelError("the backend was asked for probabilities and gave none")
    if reply.p_fake is not None and not 0 <= reply.p_fake <= 1:
        return ModelError(f"the backend gave {reply.p_fake} as the probability of a fake")
    return make_encodable(reply)


def make_encodable(reply: Answer | ModelError) -> Answer | ModelError:
    """The reply as text that UTF-8 can carry: half a surrogate pair becomes U+FFFD."""
    if isinstance(reply, ModelError):
        return ModelError(replace_lone_surrogates(str(reply)))
    usage = reply.usage
    if usage is not None:
        usage = replace(
            usage,
            model=usage.model and replace_lone_surrogates(usage.model),
            provider=usage.provider and replace_lone_surrogates(usage.provider),
            system_fingerprint=usage.system_fingerprint
            and replace_lone_surrogates(usage.system_fingerprint),
        )
    reasoning = reply.reasoning and replace_lone_surrogates(reply.reasoning)
    text = replace_lone_surrogates(reply.text)
    search = reply.search
    if search is not None:
        search = replace(search, original_text=replace_lone_surrogates(search.original_text))
    return replace(reply, text=text, reasoning=reasoning, usage=usage, search=search)
