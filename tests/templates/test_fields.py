"""One field template for the site: what it promises to those who see, hear and test a form."""

import re

from django import forms

from connections.forms.widgets import HintedRadios


class TeaForm(forms.Form):
    leaf = forms.CharField(label="Leaf", help_text="As on the tin", error_messages={"required": "Name the leaf."})
    cup = forms.ChoiceField(
        label="Cup",
        choices=[("small", "Small"), ("large", "Large")],
        widget=HintedRadios({"large": "Holds <half> a litre"}),
        error_messages={"required": "Choose a cup."},
    )
    milk = forms.BooleanField(label="Milk", required=False)
    batch = forms.IntegerField(widget=forms.HiddenInput, required=False)


def field(form: forms.Form, name: str) -> str:
    return " ".join(form[name].as_field_group().split())


def test_an_error_stands_in_the_element_that_its_field_names():
    html = field(TeaForm({}), "leaf")

    assert re.search(r'id="id_leaf_error">.*Name the leaf\.', html)
    assert re.search(r'<input[^>]* aria-invalid="true"', html)
    assert re.search(r'<input[^>]* aria-describedby="id_leaf_helptext id_leaf_error"', html)


def test_each_radio_names_the_error_of_its_group():
    html = field(TeaForm({}), "cup")

    assert html.startswith('<fieldset class="field" aria-describedby="id_cup_error"> <legend>Cup</legend>')
    assert re.search(r'id="id_cup_error">.*Choose a cup\.', html)
    for radio in re.findall(r"<input[^>]*>", html):
        assert 'aria-invalid="true"' in radio
        assert 'aria-describedby="id_cup_error"' in radio


def test_a_field_without_an_error_speaks_of_none():
    for name in ("leaf", "cup", "milk"):
        html = field(TeaForm(), name)

        assert "aria-invalid" not in html
        assert "_error" not in html


def test_nothing_is_chosen_unless_it_was():
    assert "checked" not in field(TeaForm(), "cup")
    assert field(TeaForm({"cup": "large"}), "cup").count("checked") == 1


def test_a_radio_has_its_hint_as_plain_text():
    html = field(TeaForm(), "cup")

    assert "Holds &lt;half&gt; a litre" in html
    assert html.count("choice-hint") == 1


def test_a_hidden_field_is_nothing_but_its_input():
    assert field(TeaForm(), "batch") == '<input type="hidden" name="batch" id="id_batch">'


def test_what_was_typed_comes_back_as_plain_text():
    assert 'value="&lt;script&gt;"' in field(TeaForm({"leaf": "<script>"}), "leaf")
