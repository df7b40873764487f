"""The shapes of an assertion about an image, over the parts of :mod:`.lexicon`.

Names in capitals are parts; white space means nothing. Each pattern says what is understood, so a
word without a part stops it unless ``WORD`` allows for it.
"""

from fakebench_suite.grading.labels.language.lexicon import compile_parts

_FILL = "(?:STILL|WHOLLY|HENCE)*"
NAMED = "(?: (?:DET|IT|THAT)? WORD{0,3} IMAGE | (?:DET|IT) WORD? SCENE )"
AFTER = "(?: HERE | WITH (?:DET|WORD|OF|WITH|WHO|NUMBER|IT|(?:REAL|FAKE) WORD){1,10}? )*"
_PRONOUN = "(?: IT | (?<!WORD)(?<!IMAGE)(?<!HERE) THAT )"
_ASIDE = f"(?: STOP {_FILL} STOP )?"
# "The dog in this image", "the texture of the image" are not the image.
_SUBJECT = (
    f"(?<!OF)(?<!WITH) (?: (?P<image> {NAMED} {AFTER}"
    f" | (?P<nothing>NONE (?: HERE | (?:OF|WITH) (?:IT|{NAMED}) )) {AFTER} STILL* (?=BE) )"
    f" | {_PRONOUN} ) {_ASIDE}"
)
_VERB = f"{_FILL} (?: (?P<seem>(?:DO (?P<not1>NOT)?)? STILL* SEEM) | (?P<not2>CANT) | BE ) {_ASIDE}"
_HEADING = (
    "(?P<heading> (?: (?:DET|IT|I) WORD{0,2} | WORD )? (?: HEADING | LIKELIHOOD(?=COLON) )"
    " (?: WORD{0,2} HEADING )*"
    f" (?: (?:OF|WITH) (?: {NAMED} | IT ) )? STILL*"
    " (?: (?:WORD|CALL|HERE){1,2} (?=COLON) )?"
    f" (?:COLON|BE|STOP|YES)+ THAT?"
    f" (?P<score> NUMBER (?: (?:OR|OF|WITH|WORD)* NUMBER )? (?:STOP|COLON|BE|STILL|WHOLLY)+ )? )"
)
_CALLED = (
    f"(?P<called> CALL (?: (?:IT|{NAMED} {AFTER}) {_FILL} AS* | AS )"
    f" | (?:THINK|TELLS) (?:IT|{NAMED} {AFTER}) {_FILL} AS )"
)
_TOLD = (
    "(?P<told> POINTS THAT? OF? | I STILL* WOULD? STILL* (?:TELLS|THINK) THAT? OF?"
    " | (?<!.)(?:TELLS|THINK) )"
)
_LOOSE = "(?: (?:WORD|SOUND) (?:AND|BUT|STOP)? (?:STILL|WHOLLY)* ){0,3}?"
# "Not entirely real" and "not necessarily fake" assert nothing: WHOLLY may not stand after NOT.
_COMPLEMENT = f"""
    (?:STILL|WHOLLY|HENCE|CALL|AS)* (?: (?<!STOP)(?<=.) COLON )?
    (?: NOT DET? WORD{{0,2}} IMAGE {AFTER} STOP? BUT (?=(?:STILL|WHOLLY|DET|IT|BE)*(?:FAKE|MADE)) )?
    (?: (?P<not3>NOT | (?<=BE) NO (?=(?:FAKE|REAL|MADE|TAKEN)) ) (?:STILL|CALL|AS)* )?
    (?: DET? (?:WORD|NUMBER|SOUND){{0,3}} IMAGE {AFTER} (?: STOP? THAT BE | STOP )?
        (?:STILL|WHOLLY)* (?: (?P<not4>NOT) STILL* )? )?
    (?: DET (?:STILL|WHOLLY)* (?P<loose>{_LOOSE}) )?
    (?: (?P<made>MADE) | (?P<taken>TAKEN) | (?P<fake>FAKE) | (?P<real>REAL) )
    (?P<noun> (?: STOP SOUND )? (?: (?:WORD|SOUND) (?:AND (?:WORD|SOUND))? ){{0,2}}
        (?:IMAGE|ONE|HEADING(?!COLON)) )?
"""
SHAPE = compile_parts(
    f"(?: {_SUBJECT} {_VERB} | {_HEADING} | {_CALLED} | (?P<lean>LEAN) | DEALS | {_TOLD} )"
    f" {_COMPLEMENT}"
)
"""A sentence about the image, a heading, a classification or a finding, and the label it gives."""
BARE = compile_parts(
    f"(?: (?:SO|HENCE) COLON? | STILL|WHOLLY|AND|BUT|I )*"
    f" (?: (?P<seem>SEEM) | (?P<be>BE) )? {_COMPLEMENT}"
)
"""A label that stands for a sentence: "fake.", "not a real image", "likely fake, because"."""
SPOKEN = compile_parts(
    f"(?:STILL|WHOLLY|SO|HENCE|AND|BUT|I|THINK|TELLS|POINTS|THAT|STOP)*"
    f" (?: {NAMED} {AFTER} | IT ) {_FILL} (?:BE|SEEM|HAS|TELLS|NONE|POINTS)"
)
"""A sentence that speaks of the image from its start, so that "and is ..." does too."""
_UNHEARD = "(?!NOT|NONE|NO|NOWAY|CANT|MAY|OPEN|PARTLY|SAYS|IF|FAKE|REAL|MADE|TAKEN|NUMBER|COLON)"
VOICED = compile_parts(f"(?: {_UNHEARD}. )* I (?: {_UNHEARD}. )* COLON")
"""The writer's words before a label: "that settles it for me: fake"."""
OWN_LABEL = compile_parts("(?:AS|BE) DET? (?:FAKE|REAL|MADE|TAKEN) WORD? IMAGE")
"""A label that calls no other thing by a name than an image: "pass as a real photograph"."""
ELLIPSIS = compile_parts(
    "STOP* BUT (?:STILL|WHOLLY)* (?:IT|THAT) (?:BE|DO) STILL* NOT STILL* (?:STOP|$)"
)
"""What turns round the assertion before it: "it looks real, but it is not"."""

CLAUSE = compile_parts("(?:STOP|COLON|BUT|SO|HENCE|AND)+")
"""What a clause begins after."""
BOUND = compile_parts("STOP|COLON|BUT|BECAUSE|SO|HENCE|AND")
"""What the words before an assertion reach back to."""
WIDE_BOUND = compile_parts("(?<!SAYS)(?:STOP|COLON) | BUT | BECAUSE | SO | HENCE")
"""What hearsay and conditions reach back to: further than other words."""

_OPENERS = "STILL|WHOLLY|SO|HENCE|AND|BUT|I|WOULD|YES|NO|THAT|ALTHOUGH|FIRST|HERE|AS|OF|WITH|STOP"
LEAD = compile_parts(f"(?:{_OPENERS}|COLON)* (?: IT SEEM WHOLLY? THAT )?")
"""Words before an assertion that change nothing."""
SEEMING = compile_parts("IT SEEM WHOLLY? THAT $")
"""Words before an assertion that weaken it: "it appears that"."""
TOLD = compile_parts(
    "(?: (?!NOT|NONE|MAY|OPEN|PARTLY|NO|CANT|THAN|WHO). )*"
    " (?: (?<!OF)(?<!WITH)(?:THINK|TELLS|CALL) | POINTS | LEAN"
    " | HEADING STILL* BE | HEADING(?=THAT) )"
    " (?:THAT|OF|AS|I)*"
)
"""Words before an assertion that make it one: "the hands suggest that"."""
SHOWN = compile_parts(
    "(?: (?!NOT|NONE|MAY|OPEN|PARTLY|NO|CANT|THAN|WHO|FAKE|REAL|MADE|TAKEN|NUMBER). )*"
)
"""Words before what points to a label: "the hands and the text"."""
LED = compile_parts("""
    (?: (?!SAYS|IF). )*? (?: (?<!.) | (?<=STOP) | (?<=AND) )
    (?: THAT (?:DO|BE|WOULD) NOT WORD | (?!NOT|NONE|NO|CANT|MAY|WOULD|SAYS|IF). )*
    LEADS (?:THAT|OF|AS|I|STOP|COLON)*
""")
"""Reasons, whatever they are, and the words that draw a conclusion from them."""
FLIPPED = compile_parts(
    "(?:STILL|SO|HENCE|AND|BUT)*"
    " (?: I STILL* DO NOT STILL* THINK | I? STILL* NOWAY (?:TELLS|THINK)? ) THAT?"
)
"""Words before an assertion that turn it round: "I do not think", "I doubt", "no way"."""
UNCALLED = compile_parts("(?:STILL|SO|HENCE|AND|BUT)* I STILL* (?:DO|WOULD) NOT STILL*")
"""Words before a classification that turn it round: "I would not" call it fake."""
CONTRAST = compile_parts("BUT | SO | HENCE | BECAUSE | COLON | ALTHOUGH | LEADS")
"""What ends the reach of a negation over a list."""
LINK = compile_parts(
    "(?P<apart>(?:STOP|AND|BUT|SO|HENCE)+)? (?:THAT|WOULD|MAY|STILL|HENCE|WHOLLY)* $"
)
"""What joins evidence to what stands before it; apart where a comma or "and" does."""
NOTHING = compile_parts(
    "(?:STILL|STOP|AND|SO|HENCE|I|THINK|BE|WORD(?=BE))* NONE (?!(?:OF|WITH) (?:DET|IT))"
)
"""A clause whose subject is "nothing"."""
HEARSAY = compile_parts("SAYS|IF")
"""What stands for somebody else's claim, or a condition."""
GIVEN = compile_parts("(?:AND|BUT|SO|HENCE|STILL|STOP)* IF")
"""A sentence that is a condition from its start."""

_LINKS = "STOP|BUT|BECAUSE|AS|SO|HENCE|AND|OR|THAT|STILL|ALTHOUGH|WITH|INSTEAD|THAN|HERE|I|YES"
_EXPLAINED = "COLON(?!NUMBER|NO|YES|NONE|NOT)"
NEXT = compile_parts(f"$|OF IMAGE (?=STOP|$)|{_LINKS}|MADE|TAKEN|{_EXPLAINED}")
"""What may follow an adjective that is the image's; anything else is a thing called fake."""
CLOSED = compile_parts(f"$|{_LINKS}|OF|MADE|TAKEN|{_EXPLAINED}")
"""What may follow a label that stands for a sentence."""
PREDICATED = compile_parts(
    "(?: (?:WITH|OF) THAT | (?!STOP|COLON|BECAUSE|THAT). )*"
    " (?: STOP (?!BUT|AND|SO|HENCE|BECAUSE) (?:(?!STOP|COLON|BE|IT). )+ STOP )?"
    " (?:WOULD|MAY|TELLS|BE|SEEM|DO)"
)
"""A verb behind what looked like a label: "a real photo of a table would show ..."."""
OPPOSED = compile_parts("""
    (?P<link> (?: STOP|AND|BUT|OR|INSTEAD|THAN
        | COLON (?=DET? (?:NOT|(?:FAKE|REAL|MADE|TAKEN)(?:STOP|IMAGE|$))) )* )
    (?:DET|STILL|WHOLLY|AS|THAN)*
    (?P<not>NOT (?:DET|STILL)*)?
    (?: (?P<fake>FAKE|MADE) | (?P<real>REAL|TAKEN) | (?P<end>$|STOP) )
""")
"""A second label behind the first, "or not" among them."""
OR_ELSE = compile_parts("OR .{0,3}? (?:NOT|BE|IT|FAKE|REAL|MADE|TAKEN)")
"""An alternative to the label, whatever it is."""
VALUED = compile_parts("COLON (?: YES | (?P<no>NO) ) (?=STOP|BUT|SO|HENCE|$)")
"""A label with a tick or a cross behind it."""
QUALIFIED = compile_parts("""
    (?:STILL|WITH|STOP|WHOLLY)* (?:PARTLY|FIRST|IF|SAYS|OPEN) | STOP (?:DET|WORD){0,2} SAYS
    | LIKELIHOOD
""")
"""What takes an assertion back: "real at first glance", "fake, says the caption"."""
OTHER = compile_parts(
    "(?:DET|NUMBER|NONE)? (?:WORD|NUMBER|(?:OF|WITH) DET? IMAGE?){1,8}"
    " (?:STILL|WHOLLY)* (?:BE|SEEM|DO)"
)
"""A clause about something that is not the image."""
