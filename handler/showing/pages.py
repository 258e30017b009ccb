"""Every page: where it stands, what it is asked, what it reads, and how it is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from handler.showing import (
    badge,
    build,
    digest,
    failing,
    flaky,
    grid,
    openapi,
    project,
    projects,
    quarantine,
    result,
    run,
    runs,
    search,
    slowest,
    test,
    upload,
    uploads,
)
from handler.showing.reading import Reading
from handler.showing.rendering import Renderer, View


@dataclass(frozen=True, kw_only=True)
class Resource(ABC):
    """What the function answers with.

    `inputs`: a dataclass with what its path and query may say; `read` answers them with another one.
    """

    path: str
    inputs: type[Any]
    read: Callable[[Reading, Any], Any]

    @abstractmethod
    def views(self, renderer: Renderer) -> Iterator[tuple[str, View]]:
        """Its addresses, and how it is shown there."""


@dataclass(frozen=True, kw_only=True)
class Page(Resource):
    """A page, and the same as JSON under `/api`."""

    template: str

    def views(self, renderer: Renderer) -> Iterator[tuple[str, View]]:
        yield self.path, renderer.html(self.template)
        yield f"/api{self.path}".rstrip("/"), renderer.json


@dataclass(frozen=True, kw_only=True)
class Document(Resource):
    """What is for machines alone, in one form."""

    view: Callable[[Renderer], View]

    def views(self, renderer: Renderer) -> Iterator[tuple[str, View]]:
        yield self.path, self.view(renderer)


def _openapi(renderer: Renderer) -> View:
    return View(content_type=renderer.json.content_type, write=lambda _: openapi.write(PAGES, renderer))


# The first that an address fits to answers it.
PAGES: tuple[Resource, ...] = (
    Document(
        path="/api/runs/<run_id>.md", inputs=digest.Inputs, read=digest.read, view=lambda renderer: renderer.markdown
    ),
    Document(
        path="/api/quarantine", inputs=quarantine.Inputs, read=quarantine.read, view=lambda renderer: renderer.json
    ),
    Document(path="/api/openapi.json", inputs=openapi.Inputs, read=openapi.read, view=_openapi),
    Document(path="/badge.svg", inputs=badge.Inputs, read=badge.read, view=lambda renderer: renderer.badge),
    Page(path="/", inputs=projects.Inputs, read=projects.read, template="projects.html"),
    Page(path="/project", inputs=project.Inputs, read=project.read, template="project.html"),
    Page(path="/runs", inputs=runs.Inputs, read=runs.read, template="runs.html"),
    Page(path="/builds", inputs=build.Inputs, read=build.read, template="build.html"),
    Page(path="/runs/<run_id>", inputs=run.Inputs, read=run.read, template="run.html"),
    Page(path="/runs/<run_id>/tests/<test_id>", inputs=result.Inputs, read=result.read, template="result.html"),
    Page(path="/tests/<test_id>", inputs=test.Inputs, read=test.read, template="test.html"),
    Page(path="/upload", inputs=upload.Identity, read=upload.read_by_identity, template="upload.html"),
    Page(path="/uploads", inputs=uploads.Inputs, read=uploads.read, template="uploads.html"),
    Page(path="/uploads/<upload_id>", inputs=upload.Inputs, read=upload.read, template="upload.html"),
    Page(path="/failing", inputs=failing.Inputs, read=failing.read, template="failing.html"),
    Page(path="/flaky", inputs=flaky.Inputs, read=flaky.read, template="flaky.html"),
    Page(path="/slowest", inputs=slowest.Inputs, read=slowest.read, template="slowest.html"),
    Page(path="/search", inputs=search.Inputs, read=search.read, template="search.html"),
    Page(path="/grid", inputs=grid.Inputs, read=grid.read, template="grid.html"),
)
