"""Options that several commands share. Variables are read by api.settings, which also says where values came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="输出一个 JSON 对象 / print one JSON object")]
Home = Annotated[
    Path | None, typer.Option("--home", help="数据目录，默认 chuzheng-data / data folder  [CHUZHENG_HOME]")
]
Url = Annotated[str | None, typer.Option("--url", help="服务器地址 / address of the server  [CHUZHENG_PUBLIC_URL]")]
RpcUrl = Annotated[
    str | None, typer.Option("--rpc-url", help="链节点地址 / address of a chain node  [CHUZHENG_RPC_URL]")
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="存放令牌的文件 / file with the token  [CHUZHENG_TOKEN]")
]
Erasures = Annotated[
    list[Path] | None,
    typer.Option("--erasures", help="删除清单或快照，可多次 / list of erasures or snapshot, may be repeated"),
]
