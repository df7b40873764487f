"""Patterns of assertions about an image, over the parts of :mod:`.lexicon`.

A pattern is a regular expression whose capitalized names stand for one part each; white space is
ignored. Every pattern lists what is understood: a word without a part prevents a match unless
``WORD`` allows it. The parts, with examples, are in ``lexicon.toml``.

Examples; the words in brackets match the pattern:

    FULL_CLAIM              [The image is fake].
    ELLIPTICAL              [Not a real photo].
    IMAGE_SUBJECT           [The image has] a soft tone, and is fake.
    OWN_WORDS               [That settles it for me:] fake.
    IMAGE_CLASS             It looks [like a real photograph].
    ELLIPTICAL_DENIAL       It looks real[, but it is not].
    CLAUSE_START            It is sharp[, and] it is fake.
    CLAUSE_BOUND            It is sharp [and] it is fake.
    SCOPE_BOUND             Some say so, [but] it is fake.
    NEUTRAL_LEAD            [So overall,] it is fake.
    APPEARANCE_LEAD         [It appears that] the image is fake.
    ASSERTING_LEAD          [The hands suggest that] it is fake.
    EVIDENCE_FRAME          [The hands and the text] suggest a fake.
    REASON_FRAME            [The waxy skin leads me to conclude that] it is fake.
    NEGATED_FRAME           [I do not think that] it is real.
    NEGATED_CLASSIFICATION  [I would not] call it fake.
    CONTRAST_BOUND          There are no seams, [but] the hands suggest a fake.
    EVIDENCE_LINK           There are no shadows[, which] suggests a fake.
    NEGATIVE_SUBJECT        [Nothing] suggests a fake.
    HEARSAY                 [Some say] that it is fake.
    CONDITIONAL             [If] it is fake, the text is garbled.
    AFTER_ADJECTIVE         It is real[.]
    AFTER_ELLIPTICAL        Fake[,] in my opinion.
    GENERIC_PREDICATE       A real photo [of a table would] show grain.
    SECOND_LABEL            It is fake[, not real].
    ALTERNATIVE             It is real [or fake].
    TICKED_LABEL            Fake[: yes].
    QUALIFIER               It is real [at first glance].
    OTHER_SUBJECT           [The dog looks] real.
"""

from fakebench_suite.grading.labels.language.lexicon import compile_parts

_ADVERBS = "(?:ADVERB|DEGREE|HENCE)*"
NAMED_IMAGE = "(?: (?:DET|IT|THAT)? WORD{0,3} IMAGE | (?:DET|IT) WORD? SCENE )"
"""The image as a noun: "this image", "the scene"."""
IMAGE_SUFFIX = (
    "(?: IMAGE_MODIFIER"
    " | WITH (?:DET|WORD|OF|WITH|OTHER_PERSON|NUMBER|IT|(?:REAL|FAKE) WORD){1,10}? )*"
)
"""Words that belong to the image: "above", "with two people"."""
_PRONOUN = "(?: IT | (?<!WORD)(?<!IMAGE)(?<!IMAGE_MODIFIER) THAT )"
_PARENTHESIS = f"(?: STOP {_ADVERBS} STOP )?"
# "The dog in this image" and "the texture of the image" are not the image.
_SUBJECT = (
    f"(?<!OF)(?<!WITH) (?: (?P<image> {NAMED_IMAGE} {IMAGE_SUFFIX}"
    f" | (?P<nothing>NONE (?: IMAGE_MODIFIER | (?:OF|WITH) (?:IT|{NAMED_IMAGE}) )) {IMAGE_SUFFIX}"
    " ADVERB* (?=BE) )"
    f" | {_PRONOUN} ) {_PARENTHESIS}"
)
_VERB = (
    f"{_ADVERBS} (?: (?P<seem>(?:DO (?P<not1>NOT)?)? ADVERB* SEEM) | (?P<not2>CANNOT_BE) | BE )"
    f" {_PARENTHESIS}"
)
_HEADING = (
    "(?P<heading> (?: (?:DET|IT|I) WORD{0,2} | WORD )? (?: HEADING | LIKELIHOOD(?=COLON) )"
    " (?: WORD{0,2} HEADING )*"
    f" (?: (?:OF|WITH) (?: {NAMED_IMAGE} | IT ) )? ADVERB*"
    " (?: (?:WORD|CALL|IMAGE_MODIFIER){1,2} (?=COLON) )?"
    f" (?:COLON|BE|STOP|YES)+ THAT?"
    f" (?P<score> NUMBER (?: (?:OR|OF|WITH|WORD)* NUMBER )? (?:STOP|COLON|BE|ADVERB|DEGREE)+ )? )"
)
_CLASSIFIED = (
    f"(?P<called> CALL (?: (?:IT|{NAMED_IMAGE} {IMAGE_SUFFIX}) {_ADVERBS} AS* | AS )"
    f" | (?:OPINION|STATES) (?:IT|{NAMED_IMAGE} {IMAGE_SUFFIX}) {_ADVERBS} AS )"
)
_EVIDENCE = (
    "(?P<evidence> SUGGESTS THAT? OF? | I ADVERB* WOULD? ADVERB* (?:STATES|OPINION) THAT? OF?"
    " | (?<!.)(?:STATES|OPINION) )"
)
_ADJECTIVES = "(?: (?:WORD|REAL_CUE) (?:AND|BUT|STOP)? (?:ADVERB|DEGREE)* ){0,3}?"
# "Not entirely real" and "not necessarily fake" assert nothing: DEGREE must not follow NOT.
_COMPLEMENT = f"""
    (?:ADVERB|DEGREE|HENCE|CALL|AS)* (?: (?<!STOP)(?<=.) COLON )?
    (?: NOT DET? WORD{{0,2}} IMAGE {IMAGE_SUFFIX} STOP? BUT
        (?=(?:ADVERB|DEGREE|DET|IT|BE)*(?:FAKE|MADE)) )?
    (?: (?P<not3>NOT | (?<=BE) NO (?=(?:FAKE|REAL|MADE|TAKEN)) ) (?:ADVERB|CALL|AS)* )?
    (?: DET? (?:WORD|NUMBER|REAL_CUE){{0,3}} IMAGE {IMAGE_SUFFIX} (?: STOP? THAT BE | STOP )?
        (?:ADVERB|DEGREE)* (?: (?P<not4>NOT) ADVERB* )? )?
    (?: DET (?:ADVERB|DEGREE)* (?P<loose>{_ADJECTIVES}) )?
    (?: (?P<made>MADE) | (?P<taken>TAKEN) | (?P<fake>FAKE) | (?P<real>REAL) )
    (?P<noun> (?: STOP REAL_CUE )? (?: (?:WORD|REAL_CUE) (?:AND (?:WORD|REAL_CUE))? ){{0,2}}
        (?:IMAGE|ONE|HEADING(?!COLON)) )?
"""
FULL_CLAIM = compile_parts(
    f"(?: {_SUBJECT} {_VERB} | {_HEADING} | {_CLASSIFIED} | (?P<lean>LEAN) | COPULA_IDIOM"
    f" | {_EVIDENCE} )"
    f" {_COMPLEMENT}"
)
"""A sentence about the image, a heading, a classification or a finding, with its label."""
ELLIPTICAL = compile_parts(
    f"(?: (?:SO|HENCE) COLON? | ADVERB|DEGREE|AND|BUT|I )*"
    f" (?: (?P<seem>SEEM) | (?P<be>BE) )? {_COMPLEMENT}"
)
"""A label without subject: "fake.", "not a real image", "likely fake, because"."""
IMAGE_SUBJECT = compile_parts(
    f"(?:ADVERB|DEGREE|SO|HENCE|AND|BUT|I|OPINION|STATES|SUGGESTS|THAT|STOP)*"
    f" (?: {NAMED_IMAGE} {IMAGE_SUFFIX} | IT ) {_ADVERBS} (?:BE|SEEM|HAS|STATES|NONE|SUGGESTS)"
)
"""The beginning of a sentence about the image, so that "and is ..." is about it, too."""
_NEUTRAL_PART = (
    "(?!NOT|NONE|NO|DISBELIEF|CANNOT_BE|MAY|UNDECIDED|PARTLY|REPORTED|IF|FAKE|REAL|MADE|TAKEN"
    "|NUMBER|COLON)"
)
OWN_WORDS = compile_parts(f"(?: {_NEUTRAL_PART}. )* I (?: {_NEUTRAL_PART}. )* COLON")
"""The writer's words before a label: "that settles it for me: fake"."""
IMAGE_CLASS = compile_parts("(?:AS|BE) DET? (?:FAKE|REAL|MADE|TAKEN) WORD? IMAGE")
"""A label that classifies an image, and no other object: "as a real photograph"."""
ELLIPTICAL_DENIAL = compile_parts(
    "STOP* BUT (?:ADVERB|DEGREE)* (?:IT|THAT) (?:BE|DO) ADVERB* NOT ADVERB* (?:STOP|$)"
)
"""A denial of the assertion before it: "it looks real, but it is not"."""

CLAUSE_START = compile_parts("(?:STOP|COLON|BUT|SO|HENCE|AND)+")
"""The end of a clause, after which another begins."""
CLAUSE_BOUND = compile_parts("STOP|COLON|BUT|BECAUSE|SO|HENCE|AND")
"""The bound, to the left, of the words that affect an assertion."""
SCOPE_BOUND = compile_parts("(?<!REPORTED)(?:STOP|COLON) | BUT | BECAUSE | SO | HENCE")
"""The bound of hearsay and conditions, which reach further than other words."""

_OPENERS = (
    "ADVERB|DEGREE|SO|HENCE|AND|BUT|I|WOULD|YES|NO|THAT|ALTHOUGH|FIRST_IMPRESSION|IMAGE_MODIFIER"
    "|AS|OF|WITH|STOP"
)
NEUTRAL_LEAD = compile_parts(f"(?:{_OPENERS}|COLON)* (?: IT SEEM DEGREE? THAT )?")
"""Words before an assertion that do not affect it."""
APPEARANCE_LEAD = compile_parts("IT SEEM DEGREE? THAT $")
"""Words before an assertion that weaken it: "it appears that"."""
ASSERTING_LEAD = compile_parts(
    "(?: (?!NOT|NONE|MAY|UNDECIDED|PARTLY|NO|CANNOT_BE|THAN|OTHER_PERSON). )*"
    " (?: (?<!OF)(?<!WITH)(?:OPINION|STATES|CALL) | SUGGESTS | LEAN"
    " | HEADING ADVERB* BE | HEADING(?=THAT) )"
    " (?:THAT|OF|AS|I)*"
)
"""Words before a label that make it an assertion: "the hands suggest that"."""
EVIDENCE_FRAME = compile_parts(
    "(?: (?!NOT|NONE|MAY|UNDECIDED|PARTLY|NO|CANNOT_BE|THAN|OTHER_PERSON|FAKE|REAL|MADE|TAKEN"
    "|NUMBER). )*"
)
"""The subject of evidence for a label: "the hands and the text" suggest it."""
REASON_FRAME = compile_parts("""
    (?: (?!REPORTED|IF). )*? (?: (?<!.) | (?<=STOP) | (?<=AND) )
    (?: THAT (?:DO|BE|WOULD) NOT WORD | (?!NOT|NONE|NO|CANNOT_BE|MAY|WOULD|REPORTED|IF). )*
    CONCLUDES (?:THAT|OF|AS|I|STOP|COLON)*
""")
"""Any reasons, and the words that draw a conclusion from them."""
NEGATED_FRAME = compile_parts(
    "(?:ADVERB|SO|HENCE|AND|BUT)*"
    " (?: I ADVERB* DO NOT ADVERB* OPINION | I? ADVERB* DISBELIEF (?:STATES|OPINION)? ) THAT?"
)
"""Words before an assertion that negate it: "I do not think", "I doubt", "no way"."""
NEGATED_CLASSIFICATION = compile_parts(
    "(?:ADVERB|SO|HENCE|AND|BUT)* I ADVERB* (?:DO|WOULD) NOT ADVERB*"
)
"""Words before a classification that negate it: "I would not" call it fake."""
CONTRAST_BOUND = compile_parts("BUT | SO | HENCE | BECAUSE | COLON | ALTHOUGH | CONCLUDES")
"""The end of a negation's scope over a list."""
EVIDENCE_LINK = compile_parts(
    "(?P<apart>(?:STOP|AND|BUT|SO|HENCE)+)? (?:THAT|WOULD|MAY|ADVERB|HENCE|DEGREE)* $"
)
"""The link between evidence and the words before it; ``apart`` if a comma or "and" separates
them."""
NEGATIVE_SUBJECT = compile_parts(
    "(?:ADVERB|STOP|AND|SO|HENCE|I|OPINION|BE|WORD(?=BE))* NONE (?!(?:OF|WITH) (?:DET|IT))"
)
"""A clause whose subject is "nothing"."""
HEARSAY = compile_parts("REPORTED|IF")
"""Somebody else's claim, or a condition."""
CONDITIONAL = compile_parts("(?:AND|BUT|SO|HENCE|ADVERB|STOP)* IF")
"""A sentence that begins with a condition."""

_LINK_PARTS = (
    "STOP|BUT|BECAUSE|AS|SO|HENCE|AND|OR|THAT|ADVERB|ALTHOUGH|WITH|INSTEAD|THAN|IMAGE_MODIFIER|I"
    "|YES"
)
_VALUE = (
    "NUMBER | NO | YES | NONE | NOT"
    " | (?:ADVERB|DEGREE)* (?:NO|YES|NONE|NOT|UNDECIDED|MAY|PARTLY|IF) (?:STOP|BUT|$)"
)
"""What a field holds, rather than a reason: "fake: unlikely", "fake: definitely not"; but not
"real: absolutely no signs of manipulation"."""
_EXPLANATION = f"COLON(?! {_VALUE} )"
AFTER_ADJECTIVE = compile_parts(f"$|OF IMAGE (?=STOP|$)|{_LINK_PARTS}|MADE|TAKEN|{_EXPLANATION}")
"""What may follow an adjective that describes the image; otherwise a following noun is
described."""
AFTER_ELLIPTICAL = compile_parts(f"$|{_LINK_PARTS}|OF|MADE|TAKEN|{_EXPLANATION}")
"""What may follow a label without subject."""
GENERIC_PREDICATE = compile_parts(
    "(?: (?:WITH|OF) THAT | (?!STOP|COLON|BECAUSE|THAT). )*"
    " (?: STOP (?!BUT|AND|SO|HENCE|BECAUSE) (?:(?!STOP|COLON|BE|IT). )+ STOP )?"
    " (?:WOULD|MAY|STATES|BE|SEEM|DO)"
)
"""A verb after an apparent label: "a real photo of a table would show ..."."""
SECOND_LABEL = compile_parts("""
    (?P<link> (?: STOP|AND|BUT|OR|INSTEAD|THAN
        | COLON (?=DET? (?:NOT|(?:FAKE|REAL|MADE|TAKEN)(?:STOP|IMAGE|$))) )* )
    (?:DET|ADVERB|DEGREE|AS|THAN)*
    (?P<not>NOT (?:DET|ADVERB)*)?
    (?: (?P<fake>FAKE|MADE) | (?P<real>REAL|TAKEN) | (?P<end>$|STOP) )
""")
"""A second label right after the first, including "or not"."""
ALTERNATIVE = compile_parts("OR .{0,3}? (?:NOT|BE|IT|FAKE|REAL|MADE|TAKEN)")
"""An alternative to the label."""
TICKED_LABEL = compile_parts(
    "(?:COLON|STOP)+ (?: YES | (?P<no>NO) ) (?=STOP|BUT|SO|HENCE|COLON? $)"
)
"""A label with a tick or a cross after it, or as a field with a truth value: "is real: false"."""
QUALIFIER = compile_parts("""
    (?:ADVERB|WITH|STOP|DEGREE)* (?:PARTLY|FIRST_IMPRESSION|IF|REPORTED|UNDECIDED)
    | STOP (?:DET|WORD){0,2} REPORTED
    | LIKELIHOOD
""")
"""A restriction after an assertion: "real at first glance", "fake, says the caption"."""
OTHER_SUBJECT = compile_parts(
    "(?:DET|NUMBER|NONE)? (?:WORD|NUMBER|(?:OF|WITH) DET? IMAGE?){1,8}"
    " (?:ADVERB|DEGREE)* (?:BE|SEEM|DO)"
)
"""A clause about something other than the image."""
