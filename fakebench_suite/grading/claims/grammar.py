"""The grammar of claims: what is said of images in general, what is negated, and what is excused."""

import re
from collections.abc import Iterator

from fakebench_suite.grading.claims.clauses import HAS_VERB, VERB


class AnyOf:
    """Alternatives of a pattern; those that begin with "^" are tried at the beginning only."""

    def __init__(self, pattern: str) -> None:
        alternatives = list(_split_alternatives(pattern))
        anchored = [one.removeprefix("^") for one in alternatives if one.startswith("^")]
        others = [one for one in alternatives if not one.startswith("^")]
        self._anchored, self._others = re.compile("|".join(anchored)), re.compile("|".join(others))

    def search(self, text: str) -> re.Match[str] | None:
        """The first match of an alternative; None if there is none."""
        return self._anchored.match(text) or self._others.search(text)


def _split_alternatives(pattern: str) -> Iterator[str]:
    """Yield what stands between bars outside all brackets."""
    start = depth = 0
    for index, letter in enumerate(pattern):
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and not depth:
            yield pattern[start:index]
            start = index + 1
    yield pattern[start:]


REACH = 100
"""Characters before a word in which a negation is searched for."""

_MADE = (
    r"(?:ai|a\.i\.|artificial\w*|computer|machine|generated|generative|fake|synthetic|deepfake|gan|"
    r"diffusion|manipulated|forged|tampered|edited|real|authentic|genuine|natural|actual|digital)"
)
_WORKS = (
    r"(?:images|pictures|photos|photographs|photography|models|generators|faces|portraits|tools|"
    r"systems|algorithms|deepfakes|fakes|forgeries|composites|content|imagery|media)"
)
_WORK = r"(?:image|picture|photo|photograph|portrait|face|scene|model|generator|camera)"
_FREQUENCY = (
    r"(?:often|usually|typically|commonly|frequently|generally|normally|sometimes|tends? to)"
)
_SIGNS = (
    r"(?:signs?|indicators?|indications?|hallmarks?|clues?|artifacts?|artefacts?|flaws?|features?|"
    r"characteristics?|issues?|giveaways?|flags?|symptoms?|traits?|problems?|errors?|mistakes?|markers?)"
)
_HERE = re.compile(r"\b(?:this|here|these|its)\b")

GENERIC_NAME = re.compile(
    rf"\b(?:{_MADE}[- ](?:[\w-]+ ){{0,2}}(?:{_WORKS}|{_WORK})|deepfakes?|fakes|ai art|such {_WORKS}|"
    rf"(?:many|most|some|other) {_WORKS})\b"
)
"""Images in general."""
_GENERIC_CLAUSE = AnyOf(
    rf"^(?:and |but |also,? |in general,? |generally,? |usually,? |often,? |typically,? |sometimes,? |in many cases,? |for example,? )*(?:in |with |for )?(?:many |most |some |such |other |all )?"
    rf"(?:{_MADE}[- ](?:[\w-]+ ){{0,2}}{_WORKS}|(?:ai|fake|generated|generative)[- ](?:[\w-]+ )?(?:backgrounds?|skin|hands|textures|shadows|reflections|hair|eyes|edges)|deepfakes|fakes|(?:such|many|most|some|other) {_WORKS})\b"
    rf"|^(?:in |with |for )(?:ai art|ai|art|fakes|deepfakes)\b"
    r"|^real (?:skin|hair|hands?|eyes|faces?|people|objects|shadows|reflections|textures?|light\w*|fur|edges|water) (?:has|have|is|are|would|do|does|shows?|tends?)\b"
    rf"|^(?:in |with |for )?(?:an?|any) (?:\w+ly )?(?:{_MADE}[- ])(?:[\w-]+ ){{0,2}}{_WORK}\b[^,]*,? (?:\w+ )*?(?:would|might|may|can|could|should|{_FREQUENCY})\b"
    rf"|^(?:in )an? (?:\w+ly )?(?:{_MADE}[- ])(?:[\w-]+ ){{0,2}}{_WORK}, "
    rf"|^(?:some |the |a )?(?:most )?(?:common|typical|usual|frequent|classic|possible|potential|well-known|known) (?:[\w-]+ ){{0,2}}{_SIGNS}\b"
    rf"|^(?:one of the|among the|some of the) (?:most )?(?:common|typical|usual|frequent|classic|well-known|known|main|biggest) (?:[\w-]+ ){{0,2}}{_SIGNS}\b"
    rf"|^(?!(?:the|this|these|its|here|it|they|his|her|their|both|all|one|i|we|my|as|there)\b)(?:[\w-]+ ){{1,5}}(?:can|may|might|could) (?:also |sometimes )?(?:be (?:an? |the )?(?:\w+ )?{_SIGNS}|indicate|suggest|signal|cause|lead to|produce|introduce|create|result in|come from|arise|occur)\b"
    rf"|\b(?<!as )(?<!where )(?<!than )(?<!what )(?:we|i|you|one|people) (?:would|might|should) (?:then )?expect\b"
    rf"|^(?:[\w-]+ ){{0,2}}{_SIGNS} (?:of|in) (?:deepfakes|fakes|ai art)\b"
    rf"|^(?:[\w-]+ )?{_SIGNS} (?:of|in) (?:{_MADE}[- ])(?:[\w-]+ ){{0,2}}{_WORKS}\b"
    rf"|^(?!(?:the|this|these|its|here|it|they|his|her|their|both|all|one|i|we|my|as)\b)[\w-]+ (?:[\w-]+ ){{0,8}}{_FREQUENCY}\b"
    rf"|\b(?:is|are|can be|may be) {_FREQUENCY} (?:\w+ ){{0,3}}{_SIGNS}\b"
    rf"|\b(?:is|are|can be|may be) (?:a |an )?(?:common|typical|usual|known|classic) (?:\w+ ){{0,2}}{_SIGNS} (?:of|in)\b"
    r"|\bcan (?:also |often )?be (?:caused|due|explained|the result|a sign|an indicat\w+|signs|indicators)\b"
    r"|^(?:[\w-]+ )?in (?:images|pictures|photos|photographs) (?:can|may|is|are)\b"
    r"|^(?:at (?:first|a)(?: glance| sight| look)?|initially)\b|\bat first(?: glance| sight)?$"
    r"|^(?:one|some|someone|some people|people|you|many|others) (?:might|could|may|would)\b|^i (?:first|initially)\b"
    r"|^(?:it|this|that|which|they|these) (?:may|might|could|would) (?:at first |perhaps )?(?:seem|look|appear|resemble|be mistaken)\b"
    r"|\b(?:may|might|could|can) be (?:mistaken|taken|confused) (?:for|as|with)\b"
    r"|^(?:if|were|assuming|had|suppose|supposing|should|unless|provided)\b(?! only)"
    rf"|^(?:[\w-]+ ){{0,2}}{_SIGNS} (?:that|which|of|for)[^,]*\b(?:an? (?:\w+ )?(?:image|picture|photo|photograph)|images|pictures|photos|deepfakes|fakes)\b"
    r"|\bwould (?:\w+ly |also )?(?:betray|reveal|give|raise|count|speak|signal|prove|show|have|be|exhibit|display|look|appear|contain|point|indicate|suggest|make|mean|fall)\b"
)
"""A condition, and what is said of generated or real images in general."""
_OPEN = AnyOf(
    r"\bwhether\b|^(?:\w+,? )?(?:let (?:me|us)|look (?:for|at(?![^:]*:)|out)|check|watch (?:for|out)|beware|consider(?! the \w+ (?:is|are))|"
    r"examine|inspect|describe|explain|state|assess|analy[sz]e|evaluate|discuss|comment on|identify|list|answer|pay attention|keep in mind|note that (?:ai|fake)|be aware)\b"
    r"|\b(?:i|we|you|one|people|experts) (?:will|would|should|shall|must|can|could|may|might|need to|have to|want to|am going to|are going to|'ll)"
    r" (?:now |then |first |also |have to |need to |want to |like to )*(?:look|check|examine|analy[sz]e|consider|inspect|evaluate|assess|focus|start|begin|judge|determine|pay|search|compare|verify|tell|investigate|ask)\b"
    r"|\b(?:difficult|hard|impossible|tough|tricky|unable|not possible|not easy)(?: for \w+)? to (?:say|tell|judge|determine|assess|know|decide|evaluate|conclude|be (?:sure|certain)|confirm|verify)\b"
    r"|\bcan ?not (?:confirm|say(?! that)|tell|judge|determine|verify|assess|evaluate|be (?:sure|certain|determined|judged|assessed|verified|confirmed))\b"
    r"|\bnot (?:sure|certain|clear) (?:if|that|about|how|which|what|the|of)\b|\bnot enough (?:information|detail) to\b"
    r"|^(?:so,? |now,? |first,? )?(?:in order )?to (?:determine|decide|assess|judge|evaluate|analy[sz]e|answer|tell|find out|figure out|verify|check)\b"
    r"|\b(?:it is|it would be) (?:also )?(?:important|essential|useful|necessary|worth|crucial|helpful|advisable) \b"
    r"|\b(?:you|user|question|prompt|task) (?:asks?|asked|wants?|is asking|are asking|is about)\b|\bi (?:am|was|have been) asked\b"
    r"|^(?:when|while|if|by) (?:looking|checking|searching|examining|analy[sz]ing|judging|evaluating|assessing|inspecting) (?:for|at|whether|fake|forger|ai|such|deepfakes?)"
    r"|^(?:[^,]{1,40}, )(?:please )?(?:consider|look (?:at|for)|check|examine|inspect|pay attention)\b|^please\b"
    r"|\b(?:i|we) (?:\w+ )?(?:looked|searched|checked|was prepared|hoped|was looking|braced myself) for\b|\bcould be (?:mis)?taken (?:for|as)\b"
    r"|\b(?:refers? to|is defined as|definition of)\b|^(?:the|a) (?:criterion|term|word|category)\b"
    r"|^(?:my|the|your|our) (?:task|job|goal|aim|question|prompt) (?:is|was)\b"
    r"|^(?:here (?:are|is)|below (?:are|is)|these are|the following) (?:\w+ ){0,3}(?:criteria|aspects|categories|points|factors|perspectives|dimensions)\b"
    r"|\b(?:things|aspects|features|factors|elements|clues|signs|criteria|issues|points|areas|anomalies|artifacts) (?:\w+ )?(?:to (?:look|check|consider|examine|watch|inspect)|(?:i|we) (?:will|would|should|can|looked|checked|examined|considered))\b"
)
"""What is left open, planned or advised: nothing in the sentence is claimed."""
_QUESTION = re.compile(
    r"^(?:(?:q|question|prompt|user) ?(?:\d+ ?)?: ?)?(?:\w+: )?"
    r"(?:how (?:is|are|does|do|would|well|realistic|natural|consistent|much|good|clear|sharp)|what (?:is|are|about|does|do) (?:the|your|this|any|there)|"
    r"which (?:\w+ )?(?:is|are|do|does) (?:the|there)|why (?:is|are|do|does|might|would)|where (?:is|are|do|does) (?:the|there|any)|"
    r"(?:is|are|does|do|did|can|could|would|should|has|have) (?:the|this|there|it|any|these|you|we|all|its))\b(?!.*,? (?:this|that|it) is (?:natural|unnatural)\b)"
)
"""A question, even without its mark, as where a prompt is repeated."""
OUTER_NEGATION = re.compile(
    r"^(?:(?:overall|also|and|but|so|however|personally),? )*(?:it (?:can ?not|could not|should not|would not) be (?:said|claimed|argued|denied) that"
    r"|i (?:would|do|did|can|could) not (?:say|think|believe|claim|find|feel|call)(?: that)?(?= the| it| they| there| its| this| any)"
    r"|it is not (?:that|true that|the case that|correct that|as if|as though)(?= )"
    r"|(?:[\w']+ ){0,4}(?:nothing|no (?:[\w-]+ )?(?:evidence|indications?|signs?|hints?|reasons?|clues?|proof)|not anything)(?: \w+){0,3}? "
    r"(?:that|(?:to |which |that )?(?:suggests?|suggesting|thinks?|believe|indicates?|indicating|suspect|say|assume|implies)(?: that)?)(?= (?:the|its|this|any|there|it|his|her|these)\b)"
    r"|(?:no ?one|nobody) (?:would|could|can) (?:call|say|claim|describe|argue|consider)(?: that)?"
    r"|it (?:would be|is) (?:wrong|incorrect|a mistake|unfair|inaccurate|false|an exaggeration) to (?:call|say|describe|claim|consider)(?: that)?) "
)
"""What turns a whole clause into its contrary: "I would not say that the light is odd"."""
_DENIED_OUTER = re.compile(r"be denied that $")
EXCUSE = re.compile(
    r"(?:^|\b(?:and|or|but|,|which|that|this|these|it|they|that) (?:is|are) |, |^(?:is|are) )(?<!not )(?:also |all |quite |completely |perfectly |entirely |simply |only |just )?"
    r"(?:as (?:is |would be |one would |you would |might be )?(?:expected?|usual|normal|common|typical|natural)\b(?! (?:of|for|in|with) (?:an? )?(?:ai|fake|generated|synthetic))"
    r"|(?:natural|normal|typical|common|expected|to be expected|understandable|harmless)(?= *$| (?:of|for|in|with|when|given|because)\b(?! (?:an? )?(?:ai|fake|generated|synthetic|deepfake)))"
    r"|(?:typical|characteristic|expected) (?:of|for|in|from) (?:an? |the )?(?:\w+ )?(?:real\b|authentic|genuine|natural|camera|photo|lens|human|dslr|wide|phone|fabric|water|material|mosaic)\w*)"
    r"|\b(?:is|are) (?:to be expected|understandable)(?! (?:of|for|in|with) (?:an? )?(?:ai|fake|generated|synthetic))"
    r"|\bas (?:it|they|one|you) would (?:in|on|with|for|from|be|expect)\b|\bas expected\b"
    r"|\b(?:caused by|due to|because of|owing to|explained by|from|result of) (?:an? |the |natural |normal |slight |simple )*(?:shallow|depth of field|motion\b|movement|lens|wide[- ]angle|camera|fast|slow|exposure|wind\b|refraction)"
    r"|\b(?:simply|just|merely|only) (?:bokeh|depth of field|motion blur|lens|perspective|a lens)\b"
    r"|\b(?:expected|usual|common|normal) (?:of|for|in|from|with) (?:an? |the )?(?:real\b|photo|camera|lens|human|person)"
)
"""What makes a flaw one that real photographs have: "as expected of a real person"."""
_NOT_EXCUSED = re.compile(
    r"\b(?:not|never|un\w+|hardly|rather than|nothing|cannot|neither|far from)\b[^,]{0,30}$"
)

_SEEN = (
    r"(?:show|have|exhibit|display|contain|see|find|notice|observe|detect|identify|reveal|suffer|spot|"
    r"any|discern|present|include|indicate|suggest|perceive|pick out|make out)"
)
_NEAR = re.compile(
    r"\b(?:not(?! only| just| merely| simply| free| without| devoid)|never|hardly|barely|scarcely|rarely|"
    r"far from|anything but|fails? to|failed to|failing to|nor|neither|rather than|instead of)"
    r"(?: (?!and\b|but\b)[\w'-]+|, (?!and\b|but\b|the\b|this\b|its?\b|they\b)[\w'-]+){0,4}(?: |, )$"
)
"""A negation of one of the next words."""
_FAR = re.compile(
    r"\b(?:no(?! doubt| longer| idea)|without|free (?:of|from)|void of|clear of|lack(?:s|ing)?(?: of)?(?! in)|absence of|"
    r"devoid of|zero|nothing|neither|(?<!a )(?<!the )little(?: to no| or no|,? if any,?)?|minimal|negligible|"
    r"hardly any|barely any|no trace of|avoid(?:s|ed|ing)?|rul(?:es?|ed|ing) out|exclud(?:es?|ed|ing)|"
    r"(?:hard|difficult|impossible|unable|tough|not possible)(?: for \w+)? to (?:be )?(?:spot|see|find|detect|identify|notice|discern|make out|point to|observe)|"
    rf"fail(?:s|ed)? to (?:spot|see|find|detect|identify|notice|discern|show|exhibit|reveal)|not (?:[\w'-]+ ){{0,2}}{_SEEN})\b(?P<gap>[^;:]*)$"
)
"""A negation of a list, as far as no verb ends it."""
_OPENING = re.compile(
    r"^(?:overall, |also, |and |but )?(?:neither|none|nothing(?! but| except| other)|no|nowhere|(?:hardly|barely|scarcely) any(?:thing)?|in no (?:area|place|part|way|region|sense|respect)s?|nobody|no ?one|absent (?:is|are|from)|(?:missing|gone) (?:is|are)|not (?:visible|present|seen|found|a single|one)|at no point)\b(?! doubt)[^;:]*$"
)
"""A negative subject, whose verb it negates too."""
_CANCELLED = re.compile(r"\b(?:not|hardly|far from|never)(?: \w+)? $")
_DEPRIVED = re.compile(
    r"\b(?:lack(?:s|ing)?(?: of| in)?|missing|absence of|devoid of)"
    r"(?: (?:any|real|fine|clear|proper|visible|the|a|an|sufficient|enough|natural|realistic|expected|corresponding))* $"
)
"""Before the name of a criterion: what is not there, and should be."""
_DENIED_AFTER = re.compile(
    rf"^(?:(?!\b{VERB}\b|\b(?:where|that|which|who|when|because)\b)[^;:])*?"
    r" (?:(?:is|are|was|were|can|could|be|seems?|appears?|looks?) )+(?:"
    r"(?:not|nowhere)(?: either)?$"
    r"|(?:not|hardly|barely|scarcely|never|nowhere)(?: be)?(?: (?:\w+ly|very|really|at all|any))? (?:be )?"
    r"(?:visible|noticeable|present|evident|apparent|found|detected|seen|observed|significant|obvious|discernible|there|"
    r"to be (?:seen|found)|observable|detectable|an issue|a problem|perceptible|pronounced|identified|noticed)\b"
    r"|(?:\w+ly |very |quite |rather )?(?:minimal|negligible|non-?existent|absent|insignificant|imperceptible|nil|none|zero|minor)\b)"
)
"""After the name of a flaw: that it is not there."""


def is_question(plain: str) -> bool:
    """Whether a sentence asks something, or repeats a question without its mark."""
    return plain.endswith("?") or _QUESTION.match(plain) is not None


def is_open(plain: str) -> bool:
    """Whether a sentence leaves open, plans or advises what it is about."""
    return _OPEN.search(plain) is not None


def is_generic(clause: str) -> bool:
    """Whether a clause is about images in general, or a condition."""
    match = _GENERIC_CLAUSE.search(clause)
    return match is not None and not (
        match[0].startswith(("common", "typical", "possible", "potential", "some", "the", "a "))
        and _HERE.search(clause)
    )


def find_excuse(clause: str) -> re.Match[str] | None:
    """Where a clause says that real photographs are like that; None if it does not."""
    match = EXCUSE.search(clause)
    if match is None or _NOT_EXCUSED.search(clause[: match.start()]):
        return None
    return match


def strip_outer_negation(clause: str) -> tuple[str, bool]:
    """A clause without what turns it into its contrary, and whether something did."""
    match = OUTER_NEGATION.match(clause)
    if match is None:
        return clause, False
    return clause[match.end() :], _DENIED_OUTER.search(match[0]) is None


def is_negated(text: str, position: int, *, is_good: bool = False) -> bool:
    """Whether the word at a position of a clause is negated by the words before it.

    Praise after a list of what is not there is no part of it: "no artifacts, natural lighting".
    """
    before = text[max(0, position - REACH) : position]
    if _NEAR.search(before):
        return True
    if position <= REACH and _OPENING.match(before):
        return True
    match = _FAR.search(before)
    if match is None or HAS_VERB.search(match["gap"]):
        return False
    if is_good and ("," in match["gap"] or " and " in match["gap"]):
        return False
    return _CANCELLED.search(before[: match.start()]) is None


def is_denied_after(text: str, position: int) -> bool:
    """Whether what follows a flaw says that it is not there: "the distortion is minimal"."""
    return _DENIED_AFTER.match(text[position : position + REACH]) is not None


def is_deprived(text: str, position: int) -> bool:
    """Whether the words before the name of a criterion say that it is missing."""
    return _DEPRIVED.search(text[max(0, position - REACH) : position]) is not None


CARRIED = re.compile(
    rf"^(?:and |also |then |again |all |here,? |where |when |but )*(?:it|they|these|this|that|those|both|which|neither|{VERB}|not)\b"
)
"""A clause that goes on about the subject before it."""
NONE = re.compile(
    r"^(?:none|no(?!\w| longer)|nothing|not (?:visible|present|noticeable|evident|detected|observed|found|seen|apparent)|absent|minimal|negligible|n/a)\b"
)
PRESENT = re.compile(
    r"^(?:yes|present|visible|noticeable|evident|severe|strong|slight|detected|significant|obvious|found|mild|moderate|major)\b"
)
"""Below the name of a flaw: whether it is there."""
LOW = re.compile(
    r"^(?:very |quite |rather |too |extremely |somewhat )?(?:low|weak|lacking|limited|insufficient)$"
)
HIGH = re.compile(r"^(?:very |quite |rather |extremely )?(?:high|excellent|great|perfect|strong)$")
"""Below the name of a criterion: how much of it there is."""
ELLIPSIS = re.compile(r"^(?:and |, )?(?:as|so) (?:is|are|do|does|was|were|did|has|have)\b")
"""A clause that says the same of another subject: "as are the reflections"."""
NEGATIVE_ELLIPSIS = re.compile(
    r"^(?:not so|neither (?:is|are|do|does)|nor (?:is|are|do|does))\b|\b(?:is|are|do|does|was|were|did|has|have) not$"
)
"""A clause that says the contrary of another subject: "but the texture is not"."""
SUBJECT_DENIED = re.compile(
    r"\b(?:not(?! only| just| merely)(?: (?:in|about|with))? (?:the|its|his|her)|(?:rather than|instead of)(?: (?:the|its|his|her|an?))?) $"
)
"""Before a criterion that is not the one: "not the light but the texture"."""
COMPARED = re.compile(
    r"\b(?:with|to|from|than|by|match\w*|contradict\w*|fit\w*|follow\w*|respect\w*)(?: [\w-]+){0,3} $"
)
"""Before a criterion that another subject is compared with."""
PRONOUN = re.compile(r"^(?:and |also |but |yet )*(?:it|they|these|this|that|those|both)\b")
NEITHER = re.compile(
    r"^(?:here,? |but |yet |however,? )*(?:this|the|our|it|they|here)(?: \w+)? (?:has|have|shows?|exhibits?|displays?|does|contains?|is|offers?) (?:neither|none|nothing of the (?:sort|kind)|no such \w+|not)(?: of (?:these|them|that|those|this))?$"
)
"""After what is said of images in general: that this one is otherwise."""
SPEAKS_FOR_REAL = re.compile(
    r"\b(?<!not )(?:suggest\w*|indicat\w*|points?(?:ing)? to|supports?|adds? to|speaks? for|proves?|confirms?|fits?|in line with|"
    r"expected from|get from|as from|typical of|evidence (?:of|for)|signs? of|marks? of|things that)"
    r"(?: (?!not\b|fake|doubt|question|lack)[\w-]+){0,4}? (?:real|genuine|authentic|actual|photograph|photo|camera|dslr|snapshot|human|the authenticity|its authenticity)\b"
    r"(?! (?:is|could|might) (?:doubt|question))"
)
"""What turns flaws into what photographs have: "the noise points to a real camera"."""
CALLED_FAKE = re.compile(
    r"\b(?:is|are|looks?|seems?|appears?|feels?)(?: [\w-]+){0,2} (?P<word>fake|faked|unreal|painted|drawn|rendered|ai[- ]generated|generated|ai-like)\b"
)
"""A predicate that calls a subject what a verdict calls the image."""
EVIDENCE = re.compile(
    r"\b(?:because|due to|given|based on|considering|judging (?:by|from)|owing to|thanks to|reasons?|as evidenced by|from the|"
    r"suggest\w*|indicat\w*|impl(?:y|ies)|point(?:s|ing)? (?:to|towards)|support\w*|prov(?:e|es|ing)|reveal\w*|betray\w*|confirm\w*|"
    r"evidence|signs?|proof|clues?|giv(?:es?|ing) (?:it |this )?away|mak(?:e|es|ing) (?:it|me|the|this)|speaks? (?:for|against)|leads? me|contribut\w+ to|convinc\w+|tells?|telling)\b"
)
"""What links a criterion to a verdict: "the shadows suggest that it is fake"."""
_FAKE = r"(?:fake|forged|forgery|deepfakes?|ai(?:[- ]generated|-created|-made)?|artificial|synthetic|generated|computer-generated|manipulated|manipulation|tamper\w+|fabricat\w+|unreal|inauthentic\w*|not being real)"
_REAL = r"(?:real(?! life)|authentic(?:ity)?|genuine(?:ness)?|actual photo\w*|taken (?:by|with) a camera|a photograph|its authenticity)"
VERDICT = re.compile(rf"\b(?:(?P<fake>{_FAKE})|(?P<real>{_REAL}))\b")
PROBLEMS = re.compile(
    r"\b(?:anomal\w+|problems?|issues?|flaws?|defects?|artifacts?|errors?|inconsistenc\w+|red flags?|irregularit\w+|oddit\w+|"
    r"suspicious (?:areas?|elements?|aspects?|points?|features?)|signs? of (?:\w+ )?(?:manipulation|forgery|tampering|editing|fak\w+|ai\b|generation|being fake)|"
    r"(?:unnatural|fake|strange|odd|unrealistic) (?:areas?|elements?|aspects?|points?|features?|parts?)|giveaways?|weakness(?:es)?|drawbacks?|deficiencies|cons|(?:what|which parts?) (?:looks?|seems?|is|appears?|feels?) (?:wrong|off|odd|fake|strange|unnatural|unrealistic|suspicious|artificial|weird))\b"
)
"""The heading of a list of flaws."""
STRENGTHS = re.compile(
    r"\b(?:strengths?|pros|positives?|(?:realistic|natural|convincing|authentic) (?:elements?|aspects?|features?|parts?|points?)|"
    r"(?:what|which parts?) (?:looks?|seems?|is|appears?|feels?) (?:right|real|realistic|natural|fine|authentic))\b"
)
"""The heading of a list of what is natural."""
HEADING_PLACE = re.compile(r"^(?:location|where|position|place|area|region|part|at)\b")
SWEEPING = re.compile(
    r"\b(?:everything|all (?:else|other|of|the|elements)|nothing|the rest|the (?:image|picture|photo\w*|scene)|overall|others?|anything|no (?:other )?(?:\w+ ){0,2}(?:anomal|issue|problem|flaw|artifact|sign)\w*|i (?:see|find|notice))\b"
)
"""A subject that an exception is from."""
OPTICAL = re.compile(
    r"\bdepth[- ]of[- ]field\b|\bbokeh\b|\bmotion blur|\bnaturally blurred\b|\bout[- ]of[- ]focus background\b"
    r"|\b(?:soft(?:ly)?|gently|slightly|nicely|pleasantly)? ?blurr(?:ed|y) (?:back|fore)ground\b(?! (?:and|is|looks) (?:un|warp|distort))"
    r"|\bbackground (?:is|appears|looks) (?:\w+ly |slightly |a bit |somewhat )?(?:blurred|blurry|out of focus)$"
    r"|\bblurr(?:ed|y) in the background\b|\b(?:back|fore)ground blur\b|\bprivacy\b|\boptical\b|\bout of focus as\b"
    r"|\b(?:motion|movements?|moving|wings|propellers?|wheels|speed|walking|running|jumping|flying|waving|panning|shutter|long exposure|"
    r"exposure|focal|aperture|lens(?:es)?|camera|tele\w*|macro|noise reduction|compression|depth|distance|in the distance|raindrops?|snow\w*|direction of)\b"
)
"""Blur that cameras make."""
REFRACTED = re.compile(
    r"\b(?:lens(?:es)?|barrel|keystone|rolling|rolling shutter|perspective distortion|pincushion|fish-?eye|wide[- ]angle|refract\w+|heat|through the (?:glass|water|window))\b"
)
"""Distortion that cameras, glass and water make."""
_OF_PICTURE = (
    r"(?:image|picture|photo\w*|face|eyes?|texts?|letters|lettering|features|lines|content|patterns?|background|area|region|part|"
    r"everything|it|details?|objects|facial features|scene|surface)"
)
DEPICTION = re.compile(
    rf"\b{_OF_PICTURE}(?: (?:of|in|on) (?:the |a |his |her |its )?\w+)? (?:(?:is|are|looks?|appears?|seems?|has been|have been) )?(?:(?:\w+ly|a bit|very|somewhat|all|too|being|to be|and|or) )*$"
)
"""Before a word that is an anomaly of the picture, but not of what is in the scene."""
WRONGLY = re.compile(
    r"\b(?:unnaturally|oddly|strangely|weirdly|impossibly|digitally|bizarrely|inexplicably|abnormally|suspiciously) (?:\w+ )?$"
)
