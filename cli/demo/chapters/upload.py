"""Three papers go in: two are uploaded, one comes by mail. Each is converted, read, analysed and given to
somebody to approve, by itself."""

import asyncio

from cli.bars import Bars
from cli.demo.chain import CHAIN, follow_document
from cli.demo.chapters.mail import fetch_the_letter
from cli.demo.post import PostOffice
from cli.demo.samples import ATTACHMENT, LETTER, ON_PAPER, PAPERS, Sample
from cli.demo.story import DocumentStory
from cli.demo.visitor import Visitor
from shared.words import RunState


async def upload_and_read(visitor: Visitor, post: PostOffice | None) -> None:
    """Bring the papers in together and follow every document to the end of its chain."""
    visitor.show.chapter("Three papers arrive")
    visitor.show.say(
        "Two are uploaded, one comes by mail, and nobody does anything else: each is made a PDF, its text is "
        "read, the invoice in it is found, and somebody is asked to approve it. Four jobs, each started by "
        "the one before."
    )
    for paper in PAPERS:
        visitor.show.say(f"{paper.file_name:<22} uploaded: {paper.what}", "dim")
    way = "uploaded" if post is None else "by mail, fetched by a schedule"
    visitor.show.say(f"{LETTER.file_name:<22} {way}: {LETTER.what}", "dim")
    with Bars(visitor.output.err, quiet=visitor.output.as_json) as bars:
        letter = _upload(visitor, LETTER, bars) if post is None else fetch_the_letter(visitor, post, bars)
        families = await asyncio.gather(*(_upload(visitor, paper, bars) for paper in PAPERS), letter)
    visitor.story.documents += [story for family in families for story in family]
    for story in visitor.story.documents:
        _check(visitor, story)
        visitor.show.document(story, visitor.story.runs_of(story))
    names = {story.name for story in visitor.story.documents}
    visitor.story.check("the e-mail's attachment is a document of its own", ATTACHMENT in names, names)


async def _upload(visitor: Visitor, paper: Sample, bars: Bars) -> list[DocumentStory]:
    """The paper's document, and those that came with it."""
    uploaded = await visitor.send(paper.path)
    assert uploaded.document_id is not None
    return await follow_document(
        visitor, uploaded.document_id, uploaded, bars, paper.file_name, paper.what, known=uploaded.duplicate
    )


def _check(visitor: Visitor, story: DocumentStory) -> None:
    check, name = visitor.story.check, story.name
    entries = [entry for entry in story.chain.entries if entry.job in CHAIN] if story.chain else []
    succeeded = [job for job in CHAIN if (job, RunState.SUCCEEDED) in {(e.job, e.state) for e in entries}]
    by_itself = {entry.job for entry in entries if entry.caused_by_event}
    expected = CHAIN if name in ON_PAPER else CHAIN[:3]
    check(f"{name}: {len(expected)} jobs succeeded", succeeded == list(expected), ", ".join(succeeded))
    check(f"{name}: each was started by an event", by_itself >= set(expected), sorted(map(str, by_itself)))
    check(f"{name}: its PDF can be downloaded", (story.pdf or b"").startswith(b"%PDF-"), "none")
    if name in ON_PAPER:
        read = {field: story.field(field) for field in ON_PAPER[name]}
        check(f"{name}: what is to be paid was read as it stands on the paper", read == ON_PAPER[name], read)
