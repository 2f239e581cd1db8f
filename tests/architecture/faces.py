"""The import-linter contract of faces: what lies inside a package is imported from its `__init__` alone."""

import grimp
from importlinter import Contract, ContractCheck, fields, output


class FacesContract(Contract):
    """No module reaches past the `__init__` of a package that it does not belong to.

    roots: packages whose own modules are everybody's, though their sub-packages are not (the project itself).
    bare_faces: packages that hold nothing but their `__init__`, which a graph cannot tell from modules.
    """

    type_name = "faces"
    roots = fields.SetField(subfield=fields.StringField())
    bare_faces = fields.SetField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 (the name is the library's)
        """Compare every import with the packages that both of its ends belong to."""
        reaching = [
            (importer, imported, detail["line_number"])
            for importer in sorted(graph.modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if self._is_inside(graph, imported, importer)
            for detail in graph.get_import_details(importer=importer, imported=imported)
        ]
        return ContractCheck(kept=not reaching, metadata={"reaching": reaching})

    def _is_inside(self, graph: grimp.ImportGraph, imported: str, importer: str) -> bool:
        """A module of a package that the importer stands outside of; a package itself is a face."""
        package = imported.rpartition(".")[0]
        if not package or package in self.roots or imported in self.bare_faces or graph.find_children(imported):
            return False
        return importer != package and not importer.startswith(f"{package}.")

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line an import: who reaches where, and which face has it."""
        for importer, imported, line in check.metadata["reaching"]:
            face = imported.rpartition(".")[0]
            output.print_error(f"{importer}:{line} imports {imported}; import from {face}")
