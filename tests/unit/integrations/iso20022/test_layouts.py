"""Values by their paths: the same whether a layout is met for the first time or was learned."""

from typing import Any

import pytest
from lxml import etree

from services.integrations.iso20022 import layouts
from services.integrations.iso20022.layouts import Amount, Fields, Text, Texts, There


def of(fields: Fields, xml: str) -> dict[str, Any]:
    return fields.of(etree.fromstring(f"<e xmlns='urn:x'>{xml}</e>"))


def test_the_first_path_that_has_a_text_tells_it() -> None:
    fields = Fields(status=Text("Sts", "Sts/Cd", "Sts/Prtry"))
    assert of(fields, "<Sts> BOOK </Sts>") == {"status": "BOOK"}
    assert of(fields, "<Sts>\n <Cd>PDNG</Cd></Sts>") == {"status": "PDNG"}
    assert of(fields, "<Sts><Cd> </Cd><Prtry>X</Prtry></Sts>") == {"status": "X"}
    assert of(fields, "<Sts/>") == of(fields, "") == {}


def test_a_name_stands_for_the_first_child_and_with_an_asterisk_for_each() -> None:
    one, each = Fields(n=Texts("A/B")), Fields(n=Texts("A*/B*", "C"))
    xml = "<A><B>1</B><B>2</B></A><C>3</C><A><B/><B>4</B></A>"
    assert of(one, xml) == {"n": ["1"]}
    assert of(each, xml) == {"n": ["1", "2", "3", "4"]}
    assert of(Fields(r=Text("A/*/R")), "<A><B/><C><R>7</R></C><D><R>8</R></D></A>") == {"r": "7"}


def test_an_amount_has_its_currency_and_may_be_empty() -> None:
    fields = Fields(amount=Amount("Amt", "Tx/Amt"), there=There("Rtr"))
    assert of(fields, '<Amt Ccy="CHF"> 1.50 </Amt><Tx><Amt>9</Amt></Tx>') == {"amount": ("1.50", "CHF")}
    assert of(fields, "<Tx><Amt/></Tx><Rtr/>") == {"amount": ("", None), "there": True}


def test_a_learned_layout_reads_the_next_element_and_no_other_layout() -> None:
    fields = Fields(deep=Text("A/B"), flat=Text("B"))
    for number in range(3):
        # The same names in the same order.
        assert of(fields, f"<A><B>{number}</B></A>") == {"deep": str(number)}
        assert of(fields, f"<A/><B>{number}</B>") == {"flat": str(number)}


def test_layouts_without_end_take_no_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "_REMEMBERED", 10)
    fields = Fields(last=Text("Z"))
    for count in range(50):
        assert of(fields, "<A/>" * count + "<Z>9</Z>") == {"last": "9"}
    assert len(fields._known) == 10
