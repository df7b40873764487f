"""A gloss of Chinese replies: the words that carry a verdict, in English, in the same order.

The English grammar then reads them; whatever is not glossed stays as it is and stands in the way
of an assertion, as an unknown word should ("the plant in this image is fake").
"""

import re

_A = "一?[张幅个副]?"
_IMAGE = "(?:图片|图像|照片|相片|图|画面)"
_LOOKS = "(?:看起来|看上去|似乎|好像|像是|貌似)"
_MADE = "(?:生成|合成|制作|创建|创作|绘制)"
_AI = "(?:ai|midjourney|人工智能|计算机|电脑|算法|生成模型)"
_ALONE = r"(?:^|(?<=[\n:])|(?<=: ))"
_JUDGE = (
    "(?:准确|确切|直接|明确|完全)?(?:做出|作出|得出|给出|下)?"
    "(?:判断|判定|确定|断定|认定|推断|分辨|辨别|识别|回答|结论|定论)"
)
_VERY = "(?:非常|十分|极其|相对|比较|很|较|更|极|最|仍)*"
_GLOSS = {
    rf"{_ALONE}(?:是的?|对的?|正确|真的是)(?=[,.!;\n]|$)": "yes",
    rf"{_ALONE}(?:不是的?|不对?|否|并非如此|没有|错误?)(?=[,.!;\n]|$)": "no",
    rf"{_ALONE}伪(?=[,.!;(\n]|$)": "fake",
    r"(?:最终|最后|综合)(?:判定|鉴定|认定)(?:结果|结论)?(?=:)": " final verdict ",
    r"(?:判定|鉴定|认定)(?:结果|结论)(?=:)": " verdict ",
    r"(?:是[或还]是?否|真[或还]是?假)": " yes or no ",
    rf"(?:难以|很难){_JUDGE}": " hard to tell ",
    rf"我(?:无法|不能){_JUDGE}": " i cannot determine ",
    rf"(?:无法|不能){_JUDGE}": " cannot determine ",
    rf"的?(?:可能性|概率|几率|机率)(?:也|是|为)?{_VERY}[高大](?=[,.!;(\n]|$)": " : yes ",
    rf"的?(?:可能性|概率|几率|机率)(?:也|是|为)?{_VERY}[低小](?=[,.!;(\n]|$)": " : no ",
    r"(?:可能性|概率|几率|机率)": " likelihood ",
    rf"不[太大]?可能(?:是|为|属于)?由?{_A}": " is not ",
    r"(?:答案|回答|结论)(?:为|是)否(?=[,.!;\n]|$)": " answer : no ",
    rf"更(?:有?可能|倾向于?|像|接近于?|偏向于?|符合)(?:是|为|属于)?由?{_A}": " is more likely ",
    r"我?(?:倾向于?|偏向于?)(?:认为|相信|判断)?": " i lean toward ",
    r"(?:几乎|基本上?|完全)可以(?:肯定|确定|断定)(?:地说)?": " almost certainly ",
    r"(?:综合|结合|根据|基于)(?:以上|上述|全部|所有|这些|各方面|各项)?的?(?:分析|线索|证据|信息|"
    r"判断|因素|观察|特征|几点|理由)*(?:来看|判断|考虑)?(?=[,:])": " overall ",
    rf"而(?:不是|非|并非|不属于)由?{_A}": " rather than ",
    r"(?<![法能以不未])(?:我|可以?|能够?|据此|由此|综合|初步)*"
    r"(?:推断|推测|判定|断定|认定|得出结论|(?<=[我以])判断(?=[这该此本]))(?!为)": (
        " i conclude that "
    ),
    r"(?:最终|总体|综合)?(?:评分|得分|打分|总分)": " score ",
    r"我?的?(?:回答|答案|结论|判断)(?:结果)?(?:就?是)(?=[:,])": " answer ",
    r"对于?(?:这个|该|此|您的|你的)?(?:\w{0,20})问题": " on the question ",
    r"如假包换的?|实拍|实景拍摄|实际拍摄": " real ",
    r"(?:抱歉|对不起)": " i'm sorry ",
    r"真假|真伪|真实性|是否(?:真实|为?[真假]|为?伪造)|是真是假|真的?还是假的?|假的?还是真的?": (
        " whether fake or real "
    ),
    r"(?:是不是|是否)": " whether ",
    rf"(?:这|此|该|本|那){_A}{_IMAGE}": " this image ",
    _IMAGE: " image ",
    r"(?:这|它|此)": " it ",
    rf"(?:不是|并非|并不是|不属于|绝非)由?{_A}": " is not ",
    rf"{_LOOKS}不像?是?{_A}": " does not appear ",
    rf"{_LOOKS}(?:像|更像)?是?{_A}": " appears ",
    rf"(?:很可能|极有可能|极可能|很有可能|大概率|应该?当?(?=[是为属]))(?:是|为|属于)?由?{_A}": (
        " is likely "
    ),
    rf"(?:可能|也许|或许)(?:是|为)?{_A}": " may be ",
    rf"(?<=[,;:!?])(?:是|属于)由?{_A}": " it is ",
    rf"(?:是|为|属于)由?{_A}": " is ",
    rf"(?<![张幅个副])[由用]{_AI}(?:技术|工具|软件|模型)?所?{_MADE}的?": " is ai-generated ",
    rf"[由用]?{_AI}(?:技术|工具|软件|模型)?所?{_MADE}的?": " ai-generated ",
    r"(?:图像|图片|照片)?生成(?:模型|技术|工具|器)": " generators ",
    r"(?:虚假|伪造|造假|合成|假冒|人工合成|人造)的?|假的?(?!设|如|定|装|期)": " fake ",
    r"(?:不真实|非真实)的?": " not real ",
    r"(?:真实|真正)(?:拍摄|存在)?的?|真的?(?!相|理|空|是)": " real ",
    r"(?:相机|摄影师|手机)(?:拍摄|拍下)的?": " captured with a camera ",
    r"(?:答案|结论|判断|结果|最终答案|回答)(?=是|为|:|\s)": " answer ",
    r"(?:因此|所以|综上所述|综上|总之)": " therefore ",
    r"(?:更正|纠正)(?:一下)?[:,]?|(?:等等|等一下)(?=[,.!…])": ". wait, ",
    r"(?:绝对|肯定|一定)?(?:绝?不可能|不会)是": " it cannot be ",
    rf"(?:其实|实际上|事实上|所以|因此)(?:并)?不是{_A}": " in fact it is not ",
    rf"(?:其实|实际上|事实上|所以|因此)是{_A}": " in fact it is ",
    r"(?:绝对|肯定|无疑|确实|明显|显然)": " definitely ",
    r"(?:乍一看|乍看|第一眼|起初|初看)": " at first glance ",
    r"(?:虽然|尽管)": " although ",
    r"(?:其实|实际上|事实上)": " in fact ",
    r"(?:仔细|再)(?:看|观察|检查)": " on closer look ",
    r"(?:我?改变了?(?:看法|主意|判断))": ". wait, ",
    r"(?:3d|三维|cg|电脑)渲染图?": " 3d render ",
    r"(?:判定|判断|认定|归类)(?:其)?为": " it is ",
    r"(?:人物|人|花|植物|手|脸|背景|衣服)(?=(?:是|为)[真假])": " object ",
    r"(?:因为|由于)": " because ",
    r"(?:但是|但|然而|不过|而是)": " but ",
    r"(?<![不能以未没有难])(?:表明|说明|显示|证明|意味着)(?:了)?(?=[这该此本它])": " suggest that ",
    r"(?:如果|假如|假设|除非)": " if ",
    r"没问题|可以帮": " i can help ",
    r"(?:没有|未发现|不存在)": " no ",
    r"我?(?:不认为|不觉得|不相信)": " i do not think ",
    r"(?:有人|谁|你|他|她)(?:说|认为)": " some people say ",
    r"(?:我认为|我觉得)": " i think ",
}
_PATTERN = re.compile("|".join(f"(?P<g{n}>{words})" for n, words in enumerate(_GLOSS)))
_ENGLISH = tuple(_GLOSS.values())
_TRADITIONAL = str.maketrans(
    "張圖這實為偽製並無斷應對還個畫質從來說認會結論斷電腦現發紋僅與種該樣",
    "张图这实为伪制并无断应对还个画质从来说认会结论断电脑现发纹仅与种该样",
)
_HAN = re.compile(r"[\u4e00-\u9fff]")


def gloss_chinese(text: str) -> str:
    """The text with known Chinese words in English; unchanged where there is no Chinese."""
    if _HAN.search(text) is None:
        return text
    plain = text.translate(_TRADITIONAL).replace("。", ". ").replace("、", ", ")
    return _PATTERN.sub(lambda match: _ENGLISH[int(str(match.lastgroup)[1:])], plain)
