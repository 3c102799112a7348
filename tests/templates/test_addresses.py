"""What `{% url %}` remembers is what Django would look up."""

from uuid import uuid4

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse


def test_an_address_is_of_its_own_connection_the_second_time_too() -> None:
    page = Template("{% url 'connections:detail' place source pk %}")
    for place in ("harbour-tea", "stranger"):
        for pk in (uuid4(), uuid4()):
            words = {"place": place, "source": "activecampaign", "pk": pk}
            assert page.render(Context(words)) == reverse("connections:detail", args=[*words.values()])


def test_a_page_that_is_not_there_is_left_out_where_it_may_be_and_a_fault_elsewhere() -> None:
    assert Template("{% url 'connections:none' as url %}({{ url }})").render(Context()) == "()"
    with pytest.raises(NoReverseMatch):
        Template("{% url 'connections:none' %}").render(Context())
