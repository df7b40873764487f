"""The words replies use for fake and real, as one pattern that reads "<image> <is> <label>".

The patterns expect lower-case text with single spaces (:func:`label.clean_text`). Words that only
sound alike are left out on purpose: realistic, unreal, edited, a photograph (of what?).
"""

import re

IMAGE = r"(?:image|picture|photo(?:graph)?|pic)"
_NO_NOUN = (
    r"(?!(?:of|in|on|within|inside|across|for|from|about|to|and|or|with|that|which|is|are)\b)"
)
_SUBJECT = (
    r"(?:\b(?P<pronoun>it|this)|^(?:so |and |but )?that|"
    rf"\b(?:(?:the|this|that|your) (?:{_NO_NOUN}[a-z-]+ ){{0,2}})?{IMAGE}"
    r"(?: (?:itself|here|above|below|provided|given|shown|presented|in question|as a whole|"
    r"you (?:have )?(?:provided|shared|uploaded|sent))|"
    r" of(?: (?!(?:that|which|who|with|and)\b)[a-z'-]+){1,5}?)?)"
)
_ADVERB = (
    r"(?:most likely|more likely|very likely|highly likely|almost certainly|likely|probably|"
    r"definitely|clearly|certainly|obviously|undoubtedly|unquestionably|evidently|indeed|actually|"
    r"really|truly|completely|entirely|totally|fully|absolutely|simply|surely|in fact|therefore|"
    r"thus|hence|also|overall|100%)"
)
_VERB = (
    r"(?:(?:'s| (?:is|was|has been|must be|can be))(?P<not1>n't| not| never)?|"
    r"(?P<not2> cannot be| can not be| can't be| couldn't be)|"
    r"(?P<weak>(?P<not3> (?:does|did)(?:n't| not))? (?:appear|seem|look|sound|feel)(?:s|ed)?|"
    r" should be))"
)
_JUDGED = r"(?:classif|judg|consider|deem|label|call|regard|declar|identif|categori|determin|find)"
_HEADING = (
    r"\b(?:answer|verdict|judge?ment|conclusion|label|class(?:ification)?|result|decision|"
    r"determination|assessment|prediction|response|authenticity|final|guess|opinion|fake or real|"
    r"real or fake|fake/real|real/fake)"
    rf"(?: (?:of|on|for|about|regarding) (?:the|this) {IMAGE})?"
    r"(?: ?(?:is|would be|[:=>-]))+"
)
_ARTICLE = (
    r" (?:an?|the)(?P<loose>(?: (?!(?:an?|the|of|not|no|non|or|and|in|on|with|hardly|barely|almost|"
    r"nearly|part\w+|half|semi|less|suppos\w+|alleg\w+|seem\w+|possibl\w+|potential\w+|very|so|is|was|are|"
    r"such|too|quite|if|whether|how)\b)[a-z-]+){0,3}?)"
)
_MODIFIERS = (
    rf"(?P<lead>(?: (?:{_ADVERB}|to be|be|being|as|like|{_JUDGED}[a-z]*))*)"
    r"(?:(?P<neg> (?:not|never|no|unlikely to be|anything but|far from(?: being)?|"
    rf"too [a-z]+ to be))(?P<degree>(?: (?:{_ADVERB}|{_JUDGED}[a-z]*|to be|as))*))?"
    rf"(?:{_ARTICLE})?(?: {IMAGE}(?: (?:that|which) (?:is|was|has been))?)?"
)
DEGREE = re.compile(rf"\b(?!actually|in fact)(?:{_ADVERB}|{_JUDGED}[a-z]*)\b")
"""Words that turn "not" into something less: "not entirely", "not clearly"."""
_AI = (
    r"(?:an? )?(?:[a-z-]+ ){0,2}?(?:ai|artificial intelligence|computers?|algorithms?|gans?|"
    r"diffusion|neural networks?|generative models?|midjourney|dall-?e)\b"
)
_MAKE = r"(?:generated|created|made|produced|synthesi[sz]ed|rendered)"
_MADE = (
    rf"(?:ai|artificially|computer|digitally|synthetically|machine|algorithmically)[ -]?{_MAKE}|"
    rf"{_MAKE}(?: [a-z]+)? (?:by|with|using|through|via) {_AI}|"
    rf"ai (?:{IMAGE}|art(?:work)?|creation)|deepfake|cgi"
)
_TAKEN = (
    rf"(?:taken|captured|shot)(?: [a-z]+)? (?:by|with|using|on) (?:an? )?(?:[a-z-]+ ){{0,2}}"
    rf"(?:camera|photographer|smartphone|phone|lens)|actual {IMAGE}|"
    rf"real[ -](?:life|world) {IMAGE}"
)
_FAKE = (
    "faked?|synthetic|artificial|counterfeit|inauthentic|fabricated|forged|forgery|"
    "generated(?! (?:by|from|with|using|in|on|to))"
)
_REAL = "real|authentic|genuine|legitimate|legit"
# "A fake plant", "real estate", "real-looking", "real at first glance" say nothing of the image.
_NOUN = r"(?: (?:image|picture|photo(?:graph)?|pic|one))"
_NEXT = (
    r"(?! ?[:=] ?(?:false|true|no|yes|none|null|\d)|,? not$|,? not[.!]| ?[\u274c\u2717\u2718])"
    r"(?=$| ?[^\w\s'-]| - | (?:because|since|as|due|based|and|or|but|with|given|rather|not|instead|"
    r"that|which|generated|created|made|produced|taken|captured|of|showing|depicting|by|than|"
    r"in nature|in origin|in my|to me|for|from|so|although|though|while|considering|judging)\b)"
)
_LABEL = (
    rf" ?\b(?:(?P<made>{_MADE})\b|(?P<taken>{_TAKEN})\b|(?:(?P<fake>{_FAKE})|(?P<real>{_REAL}))"
    rf"\b(?P<noun>{_NOUN})?{_NEXT})"
)

ASSERTION = re.compile(
    rf"(?:{_SUBJECT}(?: {_ADVERB})*{_VERB}|(?P<heading>{_HEADING})|"
    rf"\b(?:{_JUDGED}[a-z]*|mak(?:es?|ing)|believe) (?:it|(?:the|this) {IMAGE})(?: as| to be)?|"
    rf"(?P<lean>\blean(?:s|ing)?(?: more)? towards?)){_MODIFIERS}{_LABEL}"
)
"""A sentence about the image, or a heading, and the label it gives."""
BARE = re.compile(
    r"^(?:,? (?:and|but|so|thus|therefore|hence|well|sure|okay|overall|rather|"
    r"(?:(?:i|i'd|i would) )?(?:say|think|believe|guess|go (?:with|for)|choose|pick))[:,]?)*"
    rf"(?: (?:(?P<weak>appears|seems|looks)|is|was|must be))?{_MODIFIERS}{_LABEL}"
)
"""A label that stands for a sentence: " fake.", " not a real image", " likely fake, because"."""
LABEL_WORD = re.compile(rf"\b(?:{_FAKE}|{_REAL}|{_MADE})\b(?!-)")
OPPOSED = re.compile(
    rf"^ ?(?:and|or|nor|than|/|&) ?(?:an? |{_ADVERB} )*(?P<neg>not (?:an? )?)?"
    rf"(?:not\b|is\b|(?P<fake>{_FAKE}|{_MADE})\b|(?P<real>{_REAL})\b)"
)
"""A second label behind the first, "or not" among them."""
OPEN = re.compile(
    r"\b(?:no|not|\w+n't|never|nothing|none|neither|nor|or|than|without|doubt|hardly|unlikely|"
    r"whether|if|unless|could|might|may|would|cannot|hard|difficult|impossible|unclear|unsure|"
    r"uncertain|claim(?:s|ed)?|pretend|suppos\w+|assum\w+|ask(?:s|ed)?|question|someone|others|"
    r"thinks|thought|believes|believing|says|reads|caption|according|little|insufficient|false|"
    r"disagree|reject|refuse|tricks?|fools?|hypothesis|idea|notion|wrongly|mistak\w+|colleague|"
    r"(?:some|many|people) (?:people|say|think|claim|believe|argue)|possib\w+|perhaps|maybe)\b"
)
"""Words before an assertion that leave it open: "no sign that", "some say", "whether"."""
CERTAIN = re.compile(
    r"\bi(?: would|'d) ?$|"
    r"\b(?:no doubt|(?:without|beyond)(?: any?)? doubt|would (?:say|conclude|judge|classify|argue|"
    r"guess|consider|call))\b"
)
"""Words that look like OPEN and settle the matter."""
CORRECTED = re.compile(
    r"\b(?:wait|second thought|change my (?:answer|mind)|just kidding|scratch that|correction|"
    r"actually,? (?:no|yes)|i disagree|i wish|as if$)\b|\bor maybe not|(?:\.\.|[,(!.]) ?not\W*$|"
    r"^(?:yes|no)\W+(?:yes|no)\W*$"
)
"""Words by which a reply takes back what it said before."""
TURN = re.compile(r"\b(?:however|but|yet|otherwise|nevertheless)\b")
ABSENT = re.compile(r"^[^.!?\n]*[:,] ?(?:none|nothing|absent|not found)\b")
"""What follows "signs that the image is fake" when there are none."""
ASIDE_NOUN = re.compile(r"\b(?:see|there is|there's|holds?|holding|wears?|wearing) an? [a-z]")
"""A thing in the picture that "it" may speak of from then on."""
IDLE = re.compile(
    r"^(?:yes|no)(?: -|[,.])? (?:i'm an? |i (?:can|could|see|will|do|am|have)\b|as an? |"
    r"image (?:is )?(?:missing|not)|don't|not |"
    r"(?:the|this|your) [a-z]+ (?:did|does|was|has|is)(?: not|n't))|"
    r"what would you like|"
    r"^(?:yes|no) ?[:=] ?\d|\bi can help\b|^(?:yes|no), (?:no problem|sure)"
)
"""Replies that begin with yes or no and answer something else."""
_DENIED = r"(?<!no )(?<!not )(?<!any )(?<!without )(?<!of )(?<!isn't )"
HINTS_FAKE = re.compile(
    rf"{_DENIED}\b(?:{_MADE}|3d|renders?|render(?:ed|ing)|paint(?:ed|ing)|illustration|drawing|midjourney|"
    r"dall-?e|stable diffusion|ai (?:artifacts?|made)|made it|unnatural|inconsisten\w+|"
    r"not (?:an? )?(?:photo(?:graph)?|picture taken))\b"
)
"""Words that speak for fake without asserting it, to hold a bare "yes" or "no" against."""
HINTS_REAL = re.compile(
    rf"{_DENIED}\b(?:{_TAKEN}|no (?:signs?|traces?|evidence|artifacts?)|looks? natural|is natural|"
    r"nothing (?:unnatural|odd|wrong|unusual))\b"
)
"""Words that speak for real without asserting it."""
