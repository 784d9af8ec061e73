"""The grammars of other languages (extra `scan`), each loaded when its first file comes, and what their nodes are called."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final

_MODULES: Final = {
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "java": ("tree_sitter_java", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php"),
}


@cache
def parser(language: str) -> Any:
    """A parser, or None where the extra is not installed."""
    module, function = _MODULES[language]
    try:
        tree_sitter = import_module("tree_sitter")
        grammar = getattr(import_module(module), function)()
    except (ImportError, AttributeError):
        return None
    return tree_sitter.Parser(tree_sitter.Language(grammar))


FUNCTIONS: Final = frozenset(
    "function_declaration function_expression arrow_function method_definition generator_function_declaration generator_function "
    "function func_literal method_declaration function_item closure_expression constructor_declaration lambda_expression "
    "local_function_statement anonymous_method_expression method singleton_method do_block block lambda function_definition "
    "anonymous_function anonymous_function_creation_expression".split()
)
CALLS: Final = frozenset(
    "call_expression new_expression method_invocation object_creation_expression invocation_expression call function_call_expression "
    "member_call_expression scoped_call_expression nullsafe_member_call_expression macro_invocation subshell shell_command_expression "
    "include_expression include_once_expression require_expression require_once_expression implicit_object_creation_expression".split()
)
MEMBERS: Final = frozenset(
    "member_expression selector_expression field_expression field_access member_access_expression nullsafe_member_access_expression "
    "class_constant_access_expression scoped_property_access_expression conditional_access_expression".split()
)
SUBSCRIPTS: Final = frozenset(
    "subscript_expression index_expression element_reference array_access element_access_expression".split()
)
NAMES: Final = frozenset(
    "identifier property_identifier shorthand_property_identifier shorthand_property_identifier_pattern variable_name constant "
    "instance_variable global_variable scoped_identifier qualified_identifier field_identifier type_identifier this self name "
    "scope_resolution qualified_name generic_function package_identifier simple_identifier predefined_type super statement_identifier".split()
)
STRINGS: Final = frozenset(
    "string string_literal interpreted_string_literal raw_string_literal template_string encapsed_string interpolated_string_expression "
    "verbatim_string_literal char_literal character_literal heredoc heredoc_body string_array symbol simple_symbol text_block "
    "raw_string_literal_content nowdoc hash_key_symbol rune_literal".split()
)
HOLES: Final = frozenset(
    "template_substitution interpolation variable_name member_access_expression subscript_expression".split()
)
ASSIGNS: Final = {
    "variable_declarator": ("name", "value"),
    "assignment_expression": ("left", "right"),
    "augmented_assignment_expression": ("left", "right"),
    "short_var_declaration": ("left", "right"),
    "assignment_statement": ("left", "right"),
    "var_spec": ("name", "value"),
    "const_spec": ("name", "value"),
    "let_declaration": ("pattern", "value"),
    "assignment": ("left", "right"),
    "operator_assignment": ("left", "right"),
    "compound_assignment_expr": ("left", "right"),
    "for_in_statement": ("left", "right"),
    "enhanced_for_statement": ("name", "value"),
    "foreach_statement": ("left", "right"),
    "range_clause": ("left", "right"),
    "for_expression": ("pattern", "value"),
    "let_condition": ("pattern", "value"),
    "for": ("pattern", "value"),
}
"""Nodes that give a value to a name, with the fields for both."""
CHECKS: Final = frozenset(
    "if_statement if_expression if unless if_modifier unless_modifier while_statement ternary_expression conditional_expression match_expression switch_statement expression_switch_statement elsif case".split()
)
CONSTANTS: Final = frozenset(
    "true false null nil undefined none number integer float integer_literal float_literal int_literal boolean boolean_literal null_literal decimal_integer_literal real_literal none_literal".split()
)
RETURNS: Final = frozenset("return_statement return_expression return".split())
