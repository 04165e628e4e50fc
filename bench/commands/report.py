"""`bench report`: the tables, figures and page of a scored run."""

from bench.commands.options import OK, RunFolder


def report_command(options: RunFolder) -> int:
    """Write the tables, figures and page of a scored run again."""
    from bench.reporting.report import report

    folder = options.folder
    for table in report(folder):
        print(folder / "tables" / f"{table.name}.tex")
    print(folder / "tables" / "all.tex", folder / "figures", folder / "report.html", sep="\n")
    return OK
