"""The standard as data: load it, bundle it, check documents against it, in English and Chinese."""

from embodied_kit.language import Language, language, pick
from embodied_kit.spec.basis import Basis, current_basis, read_basis
from embodied_kit.spec.check import SchemaProblem, check
from embodied_kit.spec.fields import FieldCounts, count_fields
from embodied_kit.spec.standard import FactTable, Standard, Term, Vocabulary, standard
from embodied_kit.spec.strict_yaml import load_yaml
from embodied_kit.spec.version import SCHEMA_BASE, SCHEMA_VERSION

__all__ = [
    "SCHEMA_BASE",
    "SCHEMA_VERSION",
    "Basis",
    "FactTable",
    "FieldCounts",
    "Language",
    "SchemaProblem",
    "Standard",
    "Term",
    "Vocabulary",
    "check",
    "count_fields",
    "current_basis",
    "language",
    "load_yaml",
    "pick",
    "read_basis",
    "standard",
]
