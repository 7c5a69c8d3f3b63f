from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.errors import InvalidSpace, UsageError
from shoestring.space import Choice, Float, Int, Space
from shoestring.space.text import format_space, parse_config, parse_space

NAMES = ["lr", "opt", "n.layers", "größe", "a-b/c:d", "_x"]
scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)


@st.composite
def spaces(draw):
    params = {}
    parents = {}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)):
        when = {
            parent: draw(st.lists(st.sampled_from(options), min_size=1, unique=True))
            for parent, options in parents.items()
            if draw(st.booleans())
        }
        params[name] = param = draw(parameters(when))
        if isinstance(param, Choice):
            parents[name] = param.options
    return Space(params)


@st.composite
def parameters(draw, when):
    kind = draw(st.sampled_from(["float", "int", "choice"]))
    if kind == "choice":
        options = draw(st.lists(scalars, min_size=1, max_size=4, unique=True))
        return Choice(options, draw(st.none() | st.sampled_from(options)), when)
    log = draw(st.booleans())
    numbers = st.integers(1 if log else -(10**12), 10**12) if kind == "int" else st.floats(1e-9 if log else -1e100, 1e100)
    low, default, high = sorted(draw(st.lists(numbers, min_size=3, max_size=3)))
    return (Int if kind == "int" else Float)(low, high, log, draw(st.sampled_from([None, default])), when)


@given(spaces())
def test_formatted_spaces_are_read_back(space):
    assert parse_space([format_space(space)]) == space


def test_the_whole_grammar():
    space = parse_space(
        [
            "lr=log:1e-4:1@0.01 width=int:8:256",
            "depth=int:log:1:64",
            "rate=log:int:1:1e3",
            "opt=sgd,adam@adam",
            "momentum=0:0.99?opt=sgd|adam&depth=1|2",
        ]
    )

    assert space == Space(
        {
            "lr": Float(1e-4, 1, log=True, default=0.01),
            "width": Int(8, 256),
            "depth": Int(1, 64, log=True),
            "rate": Int(1, 1000, log=True),
            "opt": Choice(["sgd", "adam"], default="adam"),
            "momentum": Float(0, 0.99, when={"opt": ["sgd", "adam"], "depth": [1, 2]}),
        }
    )


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("x=relu,tanh", ["relu", "tanh"]),
        ("x=one", ["one"]),
        ("x=2,2.5,true,null,none", [2, 2.5, True, None, "none"]),
        ("x=.5,1.,+3,1e3,-.5e-1", [0.5, 1.0, 3, 1000.0, -0.05]),
        ('x="True","nan","yes"', ["True", "nan", "yes"]),
        ("x=off,batch,v1,1x", ["off", "batch", "v1", "1x"]),
        ('x="1",1', ["1", 1]),
        ('x="a b","c,d","say \\"e\\"","?@:&|="', ["a b", "c,d", 'say "e"', "?@:&|="]),
        ('x=["a b", "c,d", 3, null, "]"]', ["a b", "c,d", 3, None, "]"]),
        ("x=naïve,日本", ["naïve", "日本"]),
        ("x=-1,1e-4,-,C\\d", [-1, 1e-4, "-", "C\\d"]),
        ('x=""', [""]),
    ],
)
def test_choices(text, options):
    assert parse_space([text]) == Space({"x": Choice(options)})


def test_quotes_work_in_defaults_and_conditions():
    space = parse_space(['opt="a b","c" x=0:1?opt="a b"|c y=["p q","r"]@"p q"'])

    assert space == Space(
        {"opt": Choice(["a b", "c"]), "x": Float(0, 1, when={"opt": ["a b", "c"]}), "y": Choice(["p q", "r"], default="p q")}
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the space is empty"),
        ("lr", "'lr' is not NAME=VALUES"),
        ("lr=", "'lr=' is not NAME=VALUES"),
        ("=0:1", "'' is not a parameter's name"),
        ("lr=0:1 lr=0:1", "lr is defined twice"),
        ("lr=1:0", "lr=1:0: low=1.0 is above high=0.0"),
        ("lr=lgo:1:2", "a range is low:high with int: or log:"),
        ("lr=log:log:1:2", "a range is low:high with int: or log:"),
        ("lr=a:b", "'a' is not a number"),
        ("lr=0:nan", "high=nan is out of bounds"),
        ("n=int:0.5:2", "'0.5' is not a whole number"),
        ("n=int:0:1e999", "'1e999' is not a whole number"),
        ("lr=0:1@x", "'x' is not a number"),
        ("lr=0:1@0.1@0.2", "more than one default"),
        ("lr=0:1?a=1?b=2", "more than one default (@) or condition (?)"),
        ("lr=0:1?a=1@0.5", "put double quotes"),
        ("act=relu,", "'' is not one value"),
        ("act=a,null@null", "Put null first"),
        *(
            (f"amp={words}", "write true, false, null")
            for words in ("True,False", "FALSE,1", "None,1", "Null,a", "inf,1", "1_000,2", "007,8")
        ),
        *((f"amp={words}", "write true,false, or put quotes") for words in ("yes,no", "On,Off", "n")),
        ("amp=true,false@True", "write true, false, null"),
        ("amp=true,false x=0:1?amp=True", "write true, false, null"),
        ("act=a@b", "default='b' is not among 'a'"),
        ('act="a', "put double quotes"),
        ('act="\\x"', "is not a JSON string"),
        ("act=[1,[2]]", "is not a plain value"),
        ("act=[1,NaN]", "is not a JSON list"),
        ("act=[1", "is not a JSON list"),
        ("act=" + "[" * 5000, "is not a JSON list"),
        ("x=0:1?opt", "condition 'opt' is not NAME=VALUE"),
        ("a=1,2 x=0:1?a=1&a=2", "condition 'a=2' is not NAME=VALUE with a new name"),
    ],
)
def test_bad_text_gets_one_clear_sentence(text, sentence):
    with pytest.raises(InvalidSpace) as error:
        parse_space([text])

    assert sentence in str(error.value)


tokens = st.sampled_from([*'ab01.-e=:,@?&|[]{}"\\ \n', "log:", "int:", "null", "NaN", "x=", "é", "\0"])
grammar = st.lists(tokens, max_size=30).map("".join)


@given(st.lists(grammar | grammar.map(lambda text: f"x={text}") | st.text(), max_size=3))
def test_any_text_is_read_or_refused(parts):
    try:
        space = parse_space(parts)
    except UsageError as error:
        assert str(error)
    else:
        assert parse_space([format_space(space)]) == space


def test_a_configuration_is_read_as_a_space_reads_its_values():
    text = 'lr=.5, amp=true,n=3,data=/a/b:c,name="a,b",none=null'

    assert parse_config(text) == {"lr": 0.5, "amp": True, "n": 3, "data": "/a/b:c", "name": "a,b", "none": None}


@pytest.mark.parametrize("text", ["amp=True", "x", "x=1,x=2", "=1", "x=NaN", "x=1e999", "x=[1]", "x={}", 'x="a', "x="])
def test_a_configuration_that_could_be_misread_is_refused(text):
    with pytest.raises(InvalidSpace):
        parse_config(text)
