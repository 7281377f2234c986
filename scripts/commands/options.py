"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="输出一个 JSON 对象 / print one JSON object")]
Home = Annotated[
    Path | None, typer.Option("--home", help="数据目录，默认 chuzheng-data / data folder", envvar="CHUZHENG_HOME")
]
Url = Annotated[
    str | None, typer.Option("--url", help="服务器地址 / address of the server", envvar="CHUZHENG_PUBLIC_URL")
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="存放令牌的文件，或用 CHUZHENG_TOKEN / file with the token")
]
