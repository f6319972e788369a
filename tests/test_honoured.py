"""Every field that is accepted does what it says, which a test proves; or it says only, and its docstring says so."""

import ast
from collections.abc import Iterator
from functools import cache
from inspect import get_annotations
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from triplegate.cli.entry import COMMANDS
from triplegate.config.described import descriptions
from triplegate.config.documents import Documents
from triplegate.config.documents_base import Reached
from triplegate.config.documents_guards import AnyGuard
from triplegate.config.environment import VARIABLES
from triplegate.config.settings import Settings
from triplegate.core.policy import Policy
from triplegate.policies import registry

TESTS = Path(__file__).parent
CLI = TESTS.parent / "src" / "triplegate" / "cli"
SAYS_ONLY = "says only"

BUILDING = "app/test_building.py::test_its_parts_are_as_the_settings_say"
API = "gates/api/test_gate.py::"
LLM = "gates/llm/test_gate.py::"
STRATEGY = "gates/llm/test_strategy.py::"
ORDER = "gates/llm/test_order.py::"
KEYS = "gates/llm/test_building.py::test_each_key_is_a_deployment_of_its_own_with_its_share_health_and_group"
DEPLOYMENT = "gates/llm/test_deployment.py::"
CREDENTIALS = "gates/llm/test_credentials.py::"
MCP = "gates/mcp/test_gate.py::"
MCP_USE = "cli/test_mcp_use.py::"
LIFE = "gates/mcp/methods/test_lifecycle.py::"
DISCOVERY = "gates/mcp/methods/test_discovery.py::"
LISTS = "gates/mcp/methods/test_lists.py::"
ITEMS = "gates/mcp/methods/test_items.py::"
BODIES = "hostile/test_edge_bodies.py::"
CALL_PRICE = "config/test_documents_call_price.py::"
CHARGED = "cli/test_report_chargeback.py::"
CHARGEBACK = "control/reports/test_chargeback.py::"
SHARED = "control/reports/test_allocation.py::"
KEPT = "stores/sql/test_keeping.py::test_what_is_too_old_goes_and_reports_stay_as_they_were"
SETTINGS = "config/test_settings.py::"
MATCH = "gates/api/test_match.py::"
TLS = "upstreams/test_tls.py::"
GROUP = "upstreams/test_group.py::"
HEALTH = "upstreams/test_health.py::"
WEBSOCKET = "journeys/test_websocket.py::"
OUTLIER = "upstreams/test_outlier.py::"
AFFINITY = "gates/api/test_affinity.py::"
REACH = "upstreams/test_reach.py::"
RATES = "config/test_documents_prices.py::"
PRICING = "gates/llm/test_pricing.py::"
SPANS = "golden/test_spans.py::"
PRICES = RATES + "test_prices_become_ledger_units_exactly"
CLASSES = "core/test_money.py::test_a_class_without_a_rate_falls_back_in_the_documented_order"
JWT = "policies/test_jwt.py::"
LIMIT = "policies/test_rate_limit.py::"
BUDGETS = "config/test_documents_budgets.py::"
ALERTS = "control/budgets/test_alerts.py::"
BECOME = "test_dollars_become_units_and_the_window_has_the_orgs_fiscal_start"
PLACES = "policies/test_concurrency_limit.py::"
TOKENS = "policies/test_token_limit.py::"
EXACT = "policies/test_exact_cache.py::"
NAMESPACE = "stores/semantic/test_namespace.py::"
MEANT = "policies/test_semantic_cache.py::"
OURS = "policies/test_system_prompt.py::"
MARKS = "policies/test_prompt_cache.py::"
GUARD = "policies/test_guardrail.py::"
JUDGING = "stores/judging/test_"
PROMPTS = "gates/llm/test_prompts.py::"
EXTERNAL = "policies/test_external_guard.py::"
TOOL_LIMIT = "policies/test_tool_limit.py::"
RETRY = "policies/test_retry.py::"
HEADERS = "config/test_header_edits.py::test_fields_are_removed_then_set_then_added"
REWRITE = "policies/test_rewrite.py::"
REDIRECT = "policies/test_redirect.py::"
CORS = "policies/test_cors.py::"
CANARY = "policies/test_canary.py::"
MIRROR = "policies/test_mirror.py::"
COPIES = "gates/api/test_mirror.py::"
TIMEOUT = "policies/test_timeout.py::"
CHECKING = "gates/mcp/test_checking.py::"
BREAKER = "policies/test_breaker.py::"
ACCESS = "policies/test_access.py::"
BULKHEAD = "policies/test_bulkhead.py::"
FAIR = "policies/test_fair_share.py::"
ADAPTIVE = "policies/test_adaptive_concurrency.py::"
SHED = "policies/test_shed.py::"
HEDGE = "policies/test_hedge.py::"
SSE = "policies/test_sse.py::"
DEADLINE = "policies/test_deadline.py::"
HEDGING = "upstreams/test_hedge.py::"
PRIORITY = "policies/test_priority.py::"
KEY = "cli/test_key.py::"
REPORT = "cli/test_report.py::"
LABELS = "config/test_chains.py::test_labels_name_owner_and_tag_and_number_repeats"
CHAIN = "core/test_chains.py::test_policies_merge_from_gateway_to_team"
ORDERED = "gates/llm/test_compile.py::test_deployments_have_names_of_their_own_weights_prices_and_groups"
PEOPLE = "config/test_people.py::test_a_consumer_has_its_own_plan_roles_and_scopes_and_else_its_teams"
MCP_PINS = "cli/test_mcp.py::test_definitions_are_listed_compared_and_approved"
MCP_WAITS = "cli/test_mcp.py::test_a_call_that_waits_is_decided_on_once"
APPROVALS = "gates/mcp/test_approvals.py::"
PINS = "gates/mcp/test_pins.py::"
SERVER = "gates/mcp/test_server.py::"
RULES = "gates/mcp/test_rules.py::"
CONTROLS = "gates/mcp/test_controls.py::"
REMEMBERED = "gates/mcp/test_remembering.py::"
TOKENS_OURS = "gates/mcp/test_tokens.py::"
RUN = "gates/mcp/test_commands.py::"
ROUTES = "gates/mcp/test_route_tools.py::"
STDIO = "upstreams/test_stdio.py::"
OAUTH = "gates/mcp/test_oauth.py::"
TOOLS = "gates/mcp/test_access.py::"
BOOKING = "core/test_booking.py::"
OWN_LIMITS = "gates/llm/test_compile.py::test_limits_of_provider_and_deployment_are_the_targets_own"
PRECEDENCE = "gateway_api/test_semantics.py::test_the_more_specific_match_wins_whatever_the_order_of_the_files"
PLACE = "cli/test_place.py::test_it_is_the_one_named_then_the_one_here_then_the_demo"

EDGE = "policies/test_{}.py::test_{}"

FIELDS = {
    # settings -------------------------------------------------------------------------------------------------
    "Listener.host": "app/test_listen.py::test_each_listener_has_its_own_address",
    "Listener.port": "app/test_listen.py::test_before_anything_listens_what_is_opened_is_awaited",
    "GatesListener.transport": "hostile/test_edge_loop.py::test_a_body_that_breaks_is_recorded_as_refused",
    "GatesListener.serves": "config/test_listeners.py::test_two_listeners_cannot_stand_for_one_port",
    "GrpcTls.certificate": "app/test_grpc.py::test_tls_is_spoken_where_it_is_written",
    "GrpcTls.key": "app/test_grpc.py::test_tls_is_spoken_where_it_is_written",
    "GrpcTls.client_ca": "edge/test_grpc_tls.py::test_a_client_shows_its_certificate_where_one_is_asked_for",
    "GatesListener.http2": "config/test_listeners.py::test_tls_means_http2_too_unless_it_is_waived",
    **dict.fromkeys(
        ("ListenerCertificate.certificate", "ListenerCertificate.key"),
        "edge/test_front.py::test_certificates_are_chosen_by_name_and_another_ones_host_is_misdirected",
    ),
    "ListenerTls.minimum": "edge/test_front.py::test_an_old_tls_is_not_spoken",
    **dict.fromkeys(
        ("ListenerTls.client_auth", "ListenerTls.client_ca"),
        "edge/test_front.py::test_a_certificate_that_is_required_must_be_there_and_from_the_authority",
    ),
    "ProxyProtocol.trusted": "edge/test_front.py::test_who_may_not_say_so_and_who_says_it_wrongly_is_cut_off",
    "Limits.connections_per_address": "edge/test_front_link.py::test_connections_are_bounded_in_all_and_by_address",
    "State.kind": SETTINGS + "test_state_is_said_shortly",
    "State.redis": "app/test_building.py::test_a_shared_state_that_is_away_is_told_when_that_is_allowed",
    "Store.url": "app/test_building.py::test_a_store_that_is_away_is_told_when_that_is_allowed",
    "Keep.records": KEPT,
    "Keep.attempts": KEPT,
    "Keep.minutes": KEPT,
    "Keep.hours": KEPT,
    "Spool.directory": BUILDING,
    "Spool.max_bytes": BUILDING,
    "Telemetry.otlp": BUILDING,
    "Telemetry.content": SPANS + "test_asked_for_what_was_said_is_told_redacted_by_the_attempt_that_answered",
    "Telemetry.redact": "control/telemetry/test_redact.py::test_an_operators_own_patterns_are_hidden_too",
    "Telemetry.sample": "gates/test_opening.py::test_a_new_trace_is_sampled_by_the_houses_share",
    "Telemetry.access_log": BUILDING,
    "Settings.pepper": BUILDING,
    "Settings.node": BUILDING,
    "Settings.nodes": "app/test_building.py::test_a_shared_state_that_is_away_is_told_when_that_is_allowed",
    "Settings.workers": "journeys/test_workers.py::test_two_workers_share_the_port_and_the_page_shows_the_sum",
    "Settings.documents": SETTINGS + "test_a_wrong_setting_is_said_with_its_place",
    "Settings.trusted_proxies": BUILDING,
    "Limits.uri": "hostile/test_edge_fields.py::test_p33_a_target_has_8192_bytes_and_no_more",
    "Limits.headers": "hostile/test_edge_fields.py::test_p33_a_head_has_64_kib_and_no_more",
    "Limits.fields": "hostile/test_edge_fields.py::test_p33_a_head_has_100_fields_and_no_more",
    "Limits.body": "hostile/test_edge_fields.py::test_p33_a_body_has_its_limit_and_no_more",
    "Limits.header_timeout": "hostile/test_edge_deviations.py::test_a_slow_head_ends_in_silence",
    "Limits.recheck": "journeys/test_sse.py::test_an_expired_key_is_noticed_by_the_clock",
    "Limits.body_idle": BODIES + "test_a_body_that_stops_is_408_and_the_connection_ends",
    "Limits.body_rate": BODIES + "test_a_body_that_drips_is_408",
    "Limits.write_idle": BODIES + "test_replies_nobody_reads_stop_at_the_service_and_cost_little",
    "Limits.connections": BODIES + "test_silent_connections_shut_nobody_out",
    "Limits.interim": "journeys/test_sse.py::test_what_lasts_is_booked_in_parts_that_add_up",
    "Limits.exchanges": BODIES + "test_calls_above_the_limit_are_told_so_at_once",
    "Drain.grace": "app/test_listen.py::test_a_call_that_does_not_end_is_cut_in_the_end",
    "Settings.start_degraded": "app/test_building.py::test_a_store_that_is_away_is_told_when_that_is_allowed",
    "Settings.allow_local_limits": SETTINGS + "test_limits_are_not_counted_apart_by_accident",
    "Settings.allow_private": BUILDING,
    "Settings.insecure_admin": SETTINGS + "test_a_control_listener_open_to_others_is_refused_unless_said",
    "Settings.state_dir": "cli/test_place.py::test_the_state_directory_is_where_the_gateway_has_it",
    "Settings.directory": SETTINGS + "test_the_directory_is_known_but_not_written",
    # problems -------------------------------------------------------------------------------------------------
    "ProblemsDocument.base": "gates/api/test_compile.py::test_a_route_tells_problems_in_its_own_style",
    "ProblemsDocument.members": "wire/test_problem_style.py::test_a_base_and_members_of_ones_own",
    "ProblemsDocument.templates": "gates/api/test_compile.py::test_a_route_tells_problems_in_its_own_style",
    # the three gates ------------------------------------------------------------------------------------------
    "GatewayDocument.policies": CHAIN,
    "LlmDocument.base_path": "gates/llm/test_compile.py::test_paths_follow_the_base_path",
    "LlmDocument.share_cooldowns": DEPLOYMENT
    + "test_one_process_that_is_told_to_wait_tells_the_others_where_that_is_shared",
    "LlmDocument.host": LLM + "test_another_host_is_misdirected",
    "LlmDocument.identity": "gates/llm/test_compile.py::test_an_open_gate_books_on_its_owner",
    "LlmDocument.owner": "gates/llm/test_compile.py::test_an_open_gate_books_on_its_owner",
    "LlmDocument.policies": LLM + "test_a_limit_is_told_in_openais_own_fields_with_milliseconds",
    "McpDocument.path": "gates/mcp/test_compile.py::test_the_gate_answers_on_its_path_and_below",
    "McpDocument.allowed_hosts": "gates/mcp/test_doors.py::test_written_hosts_are_the_only_ones_besides_loopback",
    "McpDocument.allowed_origins": "gates/mcp/test_doors.py::test_written_origins_are_the_only_ones",
    "McpDocument.naming": ITEMS + "test_names_are_made_as_it_is_written",
    "McpDocument.separator": ITEMS + "test_a_path_has_names_of_its_own",
    "McpDocument.fail_closed": LISTS + "test_a_path_may_rather_fail_than_show_a_part",
    "McpDocument.instructions": LIFE + "test_clients_are_told_the_operators_instructions",
    "McpDocument.progressive": DISCOVERY + "test_the_list_has_three_tools_that_find_the_others",
    "McpDocument.identity": MCP + "test_anonymous_calls_are_booked_on_the_owner",
    "McpDocument.owner": MCP + "test_anonymous_calls_are_booked_on_the_owner",
    "McpDocument.policies": MCP + "test_a_rate_limit_is_told_in_json_rpc_with_the_wait",
    # what every upstream has ----------------------------------------------------------------------------------
    "ServiceDocument.timeout": "gates/api/test_service.py::test_a_document_is_taken_with_its_times",
    "ProviderDocument.timeout": LLM + "test_a_provider_that_is_silent_leaves_time_for_the_fallback",
    "ServerDocument.timeout": SERVER + "test_a_chain_changes_its_times_and_its_retries_have_one_budget",
    "Timeouts.connect": "hostile/test_timing.py::test_a_connect_that_is_not_answered_times_out_as_connect",
    "Timeouts.first_byte": "hostile/test_timing.py::test_an_upstream_that_never_answers_times_out_on_the_first_byte",
    "Timeouts.idle": "hostile/test_timing.py::test_a_stall_within_the_content_times_out_as_idle",
    "Timeouts.total": "hostile/test_timing.py::test_bytes_that_trickle_keep_the_idle_clock_but_not_the_total_one",
    "Timeouts.stream": "hostile/test_timing.py::test_a_stream_of_events_lives_no_longer_than_it_was_given",
    "Tls.ca": TLS + "test_a_private_authority_is_trusted_when_named_and_only_http11_is_spoken",
    "Tls.server_name": TLS + "test_a_name_is_asked_for_and_verified",
    "Tls.certificate": TLS + "test_a_client_certificate_is_shown",
    "Tls.key": REACH + "test_two_client_certificates_are_two_pools",
    "Tls.san": TLS + "test_one_of_the_names_that_are_wanted_is_enough",
    "Tls.min_version": TLS + "test_an_old_version_is_refused_when_a_newer_one_is_asked_for",
    "Tls.verify": "config/test_documents_base.py::test_contradictions_and_endless_waits_are_refused",
    "Connections.max": "upstreams/test_places.py::test_never_more_connections_than_allowed_and_everyone_is_served",
    "Connections.queue": "hostile/test_timing.py::test_the_queue_for_a_connection_is_bounded_in_time_and_length",
    "Connections.idle": REACH + "test_the_documents_times_and_bounds_go_with_each_call",
    "Connections.max_requests": "upstreams/test_places.py::test_a_connection_ends_after_so_many_requests",
    "Connections.max_age": "upstreams/test_places.py::test_a_connection_that_is_too_old_takes_no_more_requests",
    "Connections.queue_timeout": REACH + "test_the_documents_times_and_bounds_go_with_each_call",
    # services and routes --------------------------------------------------------------------------------------
    "ServiceDocument.policies": API + "test_each_of_several_services_says_itself_how_it_is_tried_again",
    "ServiceDocument.balance": GROUP + "test_the_less_busy_one_gets_more",
    "ServiceDocument.panic": GROUP + "test_with_too_few_well_all_are_used",
    "ServiceDocument.slow_start": GROUP + "test_one_that_came_back_grows_to_its_share",
    "EndpointDocument.url": "gates/api/test_service.py::test_endpoints_take_turns_and_the_turn_outlives_reloads",
    "EndpointDocument.weight": "journeys/test_services.py::test_shares_follow_the_weights",
    "EndpointDocument.backup": GROUP + "test_backups_get_calls_only_while_too_few_others_are_well",
    "WebSocketOptions.idle": WEBSOCKET + "test_silence_ends_both_sides",
    "WebSocketOptions.max_message": WEBSOCKET + "test_messages_that_are_too_large_end_both_sides",
    "WebSocketOptions.ping": "upstreams/test_websocket.py::"
    "test_a_silent_upstream_is_pinged_and_given_up_without_a_pong",
    "WebSocketOptions.origins": "gates/api/test_websocket.py::test_a_page_of_another_origin_reaches_no_service",
    "HashDocument.header": AFFINITY + "test_a_header_a_cookie_or_a_parameter",
    "HashDocument.cookie": AFFINITY + "test_a_header_a_cookie_or_a_parameter",
    "HashDocument.ttl": AFFINITY + "test_a_cookie_is_given_once_to_a_call_that_has_none",
    "HashDocument.query": AFFINITY + "test_a_header_a_cookie_or_a_parameter",
    "HashDocument.by": AFFINITY + "test_the_caller_the_address_or_the_path",
    "HashDocument.load": "upstreams/balancing/test_ring.py::test_nobody_carries_more_than_its_bounded_share",
    "HealthDocument.path": HEALTH + "test_the_question_is_a_get_of_the_path_with_the_host",
    "HealthDocument.service": "upstreams/test_grpc_health.py::test_what_is_asked_about_is_told_of",
    "HealthDocument.host": HEALTH + "test_the_question_is_a_get_of_the_path_with_the_host",
    "HealthDocument.tcp": HEALTH + "test_only_a_connection_is_enough_when_told_so",
    "HealthDocument.interval": HEALTH + "test_each_endpoint_that_gets_calls_is_asked_at_the_pace_that_was_written",
    "HealthDocument.timeout": HEALTH + "test_an_answer_that_does_not_come_in_time_is_none",
    "HealthDocument.status": HEALTH + "test_the_status_says",
    "HealthDocument.healthy": GROUP + "test_so_many_bad_answers_in_a_row_end_it_and_so_many_good_ones_bring_it_back",
    "HealthDocument.unhealthy": GROUP + "test_so_many_bad_answers_in_a_row_end_it_and_so_many_good_ones_bring_it_back",
    "OutlierDocument.consecutive": OUTLIER + "test_so_many_in_a_row_and_a_success_starts_over",
    "OutlierDocument.failure_rate": OUTLIER + "test_a_rate_needs_enough_calls",
    "OutlierDocument.window": OUTLIER + "test_the_rate_forgets_what_is_older_than_its_window",
    "OutlierDocument.minimum": OUTLIER + "test_a_rate_needs_enough_calls",
    "OutlierDocument.slow": GROUP + "test_an_answer_that_is_slow_counts_as_failed_when_told_so",
    "OutlierDocument.eject_for": GROUP + "test_one_that_fails_in_a_row_is_left_alone_and_comes_back",
    "OutlierDocument.longest": OUTLIER + "test_it_is_left_alone_longer_each_time_up_to_a_bound",
    "OutlierDocument.max_ejected": GROUP + "test_no_more_than_the_share_are_left_alone",
    "ServiceDocument.host": "gates/api/test_service.py::test_the_host_is_the_clients_the_endpoints_or_a_fixed_one",
    "RouteDocument.service": "gates/api/test_compile.py::test_every_match_of_a_route_leads_to_it",
    "WeightedService.service": "gates/api/test_compile.py::test_several_services_keep_weights_and_own_limits",
    "WeightedService.weight": "journeys/test_api.py::test_calls_are_shared_by_weight",
    "ServiceDocument.protocol": "gates/api/test_grpc.py::test_messages_go_both_ways_and_the_upstreams_status_ends_it",
    "GrpcOptions.max_message": "upstreams/test_grpc.py::test_a_message_above_the_limit_is_refused_either_way",
    "GrpcOptions.keepalive": "upstreams/test_grpc.py::test_a_channel_is_pinged_as_often_as_is_said",
    **{
        f"GrpcMatch.{name}": "config/test_documents_grpc.py::test_a_service_or_method_is_a_path"
        for name in ("type", "service", "method")
    },
    "Match.host": MATCH + "test_hosts_fit_as_the_gateway_api_says",
    "Match.path": MATCH + "test_a_prefix_fits_whole_path_elements",
    "Match.type": MATCH + "test_an_exact_path_fits_itself_only",
    "Match.methods": API + "test_what_no_route_takes_is_404_and_a_wrong_method_405",
    "WeightedService.broken": API + "test_a_share_that_leads_nowhere_is_500_and_the_others_are_called",
    "WeightedService.empty": API + "test_a_share_of_which_nothing_is_ready_is_503",
    "Match.name": "cli/test_explain.py::test_why_a_route_won_and_the_others_lost",
    "Match.section": MATCH + "test_the_most_specific_section_of_the_listener_owns_a_request_even_without_a_rule",
    "Expression.regex": "gates/api/test_rule.py::test_a_header_may_be_told_by_an_expression",
    "SectionDocument.listeners": API + "test_a_section_owns_its_hosts_and_nothing_else_answers_there",
    "SectionDocument.host": API + "test_a_section_owns_its_hosts_and_nothing_else_answers_there",
    "RouteDocument.listeners": API + "test_a_route_is_reachable_on_its_listeners_only",
    "RouteDocument.created": API + "test_of_two_routes_that_match_alike_the_older_one_wins",
    "WeightedService.policies": "policies/test_request_headers.py::test_each_service_of_a_route_gets_its_own",
    "RouteDocument.sorts": PRECEDENCE,
    "RouteDocument.owner": "gates/api/test_compile.py::test_several_services_keep_weights_and_own_limits",
    "RouteDocument.records": BOOKING + "test_unpriced_api_traffic_is_rolled_up_unless_the_route_says_otherwise",
    "RouteDocument.identity": "config/test_rules.py::test_identity_may_stand_on_route_or_gateway_or_be_waived",
    "RouteDocument.policies": CHAIN,
    # providers and models -------------------------------------------------------------------------------------
    "ProviderDocument.policies": OWN_LIMITS,
    "ProviderDocument.base_url": DEPLOYMENT + "test_a_provider_sees_our_credential_and_nothing_of_the_clients",
    "ProviderDocument.dialect": LLM + "test_a_chat_comes_back_with_its_cost_and_its_deployment",
    "AwsAuth.id": CREDENTIALS + "test_an_access_key_may_be_one_text_or_stand_in_parts",
    "AwsAuth.region": DEPLOYMENT + "test_a_call_of_amazons_is_signed_with_its_body_and_never_by_the_client",
    "AwsAuth.token": CREDENTIALS + "test_an_access_key_may_be_one_text_or_stand_in_parts",
    "ProviderAuth.bearer": DEPLOYMENT + "test_a_provider_sees_our_credential_and_nothing_of_the_clients",
    "ProviderAuth.google": CREDENTIALS + "test_a_service_account_of_googles_signs_a_token_and_another_before_it_ends",
    "ProviderAuth.header": DEPLOYMENT + "test_a_provider_sees_our_credential_and_nothing_of_the_clients",
    "ProviderDocument.key": ORDERED,
    "ProviderDocument.headers": DEPLOYMENT + "test_a_provider_sees_our_credential_and_nothing_of_the_clients",
    "ProviderDocument.verified": SAYS_ONLY,
    "RealtimeOptions.idle": "gates/llm/test_realtime.py::test_its_bounds_are_as_written",
    "RealtimeOptions.max_message": "gates/llm/test_realtime.py::test_its_bounds_are_as_written",
    "RealtimeOptions.ping": "gates/llm/test_realtime.py::test_its_bounds_are_as_written",
    "RealtimeOptions.allowed_origins": "gates/llm/test_realtime.py::test_a_page_of_another_origin_opens_nothing",
    "LlmDocument.files": "journeys/test_llm_stored.py"
    "::test_a_batch_runs_where_its_file_was_put_and_its_result_is_read_there",
    "LlmDocument.origin_gone": "gates/llm/test_origins.py::test_reasoning_whose_deployment_is_gone_may_be_left_out",
    **dict.fromkeys(
        ("McpToolsDocument.elsewhere", "ModelDocument.mcp_elsewhere"),
        "gates/llm/test_tool_loops.py::test_servers_elsewhere_are_refused_by_name_or_left_to_the_provider",
    ),
    **dict.fromkeys(
        ("McpToolsDocument.turns", "McpToolsDocument.calls"),
        "gates/llm/test_tool_turns.py::test_a_model_that_never_ends_is_ended",
    ),
    "McpToolsDocument.within": "gates/llm/test_tool_turns.py::test_a_response_has_its_time",
    "McpToolsDocument.keep": "gates/llm/test_tool_turns.py::test_who_keeps_nothing_and_who_is_another_finds_nothing",
    "ProviderDocument.head_hold": "gates/llm/test_streaming.py"
    "::test_a_head_that_was_held_long_enough_goes_out_and_nothing_is_lost",
    "ModelDocument.on_gone": "journeys/test_llm.py"
    "::test_a_model_that_drains_knows_what_a_call_cost_though_its_client_left",
    "ProviderDocument.speaks": "gates/llm/test_dialects.py::test_a_provider_speaks_its_own_dialect_and_what_it_says",
    "ProviderDocument.on_loss": "gates/llm/test_asking.py::test_losses_are_refused_where_that_is_said",
    "ProviderDocument.first_token": LLM + "test_a_provider_that_says_nothing_in_time_is_left_for_another",
    **dict.fromkeys((f"Amounts.{name}" for name in ("call", "input", "output", "cache_read")), PRICES),
    **dict.fromkeys(
        (f"Amounts.{name}" for name in ("cache_write_5m", "cache_write_1h", "audio_in", "image_in")), CLASSES
    ),
    "Amounts.reasoning": CLASSES,
    "Amounts.audio_out": CLASSES,
    "Amounts.units": RATES + "test_counted_things_are_added_in_variations",
    "Above.tokens": RATES + "test_a_variation_says_only_what_differs",
    **dict.fromkeys(
        ("Times.since", "Times.until", "Times.hours"), RATES + "test_times_hold_from_a_date_or_at_some_hours"
    ),
    "CallPrice.call": CALL_PRICE + "test_a_number_is_the_price_of_a_call",
    **dict.fromkeys(
        ("RoutePrice.units", "RoutePrice.units_from"),
        API + "test_bytes_and_what_the_service_counts_are_charged_when_the_call_ends",
    ),
    **dict.fromkeys(
        ("ToolPrice.tools", "CallPrice.mb"),
        MCP + "test_a_tool_may_have_a_price_of_its_own_and_bytes_are_charged",
    ),
    "ChargebackDocument.operator": "control/reports/test_focus.py::test_each_class_of_tokens_has_a_row_with_its_price",
    **dict.fromkeys(
        ("SharedCost.name", "SharedCost.money"),
        CHARGEBACK + "test_shared_cost_stands_in_lines_of_its_own_and_is_split_to_the_last_unit",
    ),
    "ChargebackDocument.tags": CHARGEBACK + "test_finance_has_names_of_its_own_for_teams",
    "ChargebackDocument.fiscal_start": SHARED + "test_a_year_that_begins_in_april_is_finances",
    "SharedCost.per": SHARED + "test_a_period_has_its_part_of_what_comes_regularly",
    "SharedCost.rule": SHARED + "test_by_use_those_bear_most_whose_calls_cost_most",
    "SharedCost.shares": SHARED + "test_fixed_parts_are_of_whatever_they_sum_to",
    "ProviderDocument.prices": PRICING + "test_a_deployments_own_price_goes_before_the_vendors",
    "VendorModelDocument.also": RATES + "test_models_are_found_by_any_of_their_names",
    "VendorModelDocument.context": ORDER + "test_a_request_that_is_too_large_goes_on_only_to_larger_models",
    "VendorModelDocument.max_output": SAYS_ONLY,
    "Quirks.stream_usage": DEPLOYMENT + "test_what_a_vendor_cannot_take_is_left_out_or_renamed",
    "Quirks.max_tokens": DEPLOYMENT + "test_what_a_vendor_cannot_take_is_left_out_or_renamed",
    "Quirks.drop": DEPLOYMENT + "test_what_a_vendor_cannot_take_is_left_out_or_renamed",
    "Quirks.developer": DEPLOYMENT + "test_roles_and_thoughts_have_the_vendors_names",
    "Quirks.reasoning": DEPLOYMENT + "test_roles_and_thoughts_have_the_vendors_names",
    "DeploymentDocument.provider": ORDERED,
    "DeploymentDocument.model": DEPLOYMENT + "test_a_provider_sees_our_credential_and_nothing_of_the_clients",
    "DeploymentDocument.key": DEPLOYMENT + "test_a_provider_sees_our_credential_and_nothing_of_the_clients",
    "DeploymentDocument.weight": "gates/llm/test_model.py::test_weights_decide_who_is_first",
    "DeploymentDocument.name": ORDERED,
    "DeploymentDocument.group": ORDERED,
    "DeploymentDocument.policies": OWN_LIMITS,
    "KeyDocument.key": KEYS,
    "KeyDocument.weight": KEYS,
    "DeploymentDocument.tier": "gates/llm/test_model.py::test_the_next_tier_gets_only_what_the_one_before_cannot_take",
    "DeploymentDocument.when": "gates/llm/test_conditions.py::test_a_condition_holds_or_does_not",
    "ModelDocument.strategy": "gates/llm/test_building.py::test_a_model_has_its_strategy",
    "StickyDocument.by": STRATEGY + "test_what_ties_calls_together",
    "StickyDocument.header": STRATEGY + "test_what_ties_calls_together",
    "FallbackOnDocument.context_window": ORDER + "test_a_request_that_is_too_large_goes_on_only_to_larger_models",
    "ModelDocument.aliases": "gates/llm/test_building.py::test_a_star_carries_the_clients_name_to_the_vendor",
    "CanaryDocument.model": "gates/llm/test_canary.py::test_the_canary_goes_first_and_the_models_own_come_after_it",
    "CanaryDocument.percent": "gates/llm/test_canary.py::test_a_consumer_stays_on_one_side_and_the_share_is_met",
    "CanaryDocument.by": "gates/llm/test_canary.py::test_each_call_may_be_drawn",
    "ShadowDocument.model": "gates/llm/test_shadow.py::test_a_copy_has_a_record_of_its_own_that_the_owner_pays",
    "ShadowDocument.percent": "gates/llm/test_shadow.py::test_a_share_of_the_calls_is_copied",
    "ShadowDocument.cost": "gates/llm/test_shadow.py::test_copies_stop_at_their_bound_and_go_on_in_the_next_hour",
    "ShadowDocument.per": "gates/llm/test_shadow.py::test_copies_stop_at_their_bound_and_go_on_in_the_next_hour",
    "ShadowDocument.concurrency": "gates/llm/test_shadow.py::test_there_is_room_for_so_many_at_once",
    "FallbackOnDocument.content_policy": ORDER + "test_what_a_policy_forbids_goes_on_only_where_that_is_written",
    "ModelDocument.fallback": LLM + "test_the_fallback_answers_and_nobody_sees_why",
    "ModelDocument.owner": SAYS_ONLY,
    "ModelDocument.teams": LLM + "test_a_model_of_other_teams_is_as_if_it_were_not_there",
    "ModelDocument.policies": LLM + "test_a_policys_total_holds_for_all_attempts_together",
    # servers --------------------------------------------------------------------------------------------------
    "ServerDocument.policies": MCP + "test_a_limit_of_the_server_is_taken_before_each_attempt",
    "ServerDocument.url": MCP + "test_a_modern_client_lists_and_calls_whatever_the_server_speaks",
    "PinsDocument.mode": PINS + "test_a_tool_is_hidden_and_unknown_until_it_is_approved",
    "ApprovalRule.tools": APPROVALS + "test_other_tools_are_called_as_ever",
    "ApprovalRule.by": APPROVALS + "test_an_admin_decides_while_the_call_waits",
    "ApprovalRule.when": APPROVALS + "test_only_calls_of_which_the_condition_is_not_false_wait",
    "ApprovalRule.within": APPROVALS + "test_a_call_that_no_admin_approves_ends_in_time",
    "PinsDocument.of": PINS + "test_prompts_and_resources_wait_like_tools_where_they_are_pinned",
    "PinsDocument.first": PINS + "test_what_is_added_later_waits_even_where_the_first_use_was_trusted",
    "ServerHealth.interval": CHECKING + "test_a_server_that_is_down_is_left_alone_and_comes_back_with_a_fresh_list",
    "ServerHealth.timeout": CHECKING + "test_one_that_hangs_is_down_within_its_time",
    **dict.fromkeys(
        ("ServerHealth.healthy", "ServerHealth.unhealthy"),
        "gates/mcp/test_health.py::test_the_first_answer_decides_alone_and_later_ones_in_a_row",
    ),
    "ServerDocument.parked": "gates/mcp/test_parking.py::test_a_call_waits_at_its_server_until_its_client_has_answered",
    "ServerDocument.command": RUN + "test_clients_of_both_eras_list_and_call_a_command_of_either",
    "ServerDocument.env": RUN + "test_a_command_gets_its_secrets_and_never_ours",
    "ServerDocument.inherit": RUN + "test_a_command_gets_its_secrets_and_never_ours",
    "ServerDocument.directory": RUN + "test_a_program_is_looked_for_where_the_command_will_look",
    "ServerDocument.isolation": RUN + "test_who_shares_a_process_is_as_written",
    "ServerDocument.transport": "gates/mcp/test_transports.py::test_a_server_of_2024_is_used_by_clients_of_both_eras",
    "ServerDocument.models": "gates/mcp/test_model_tools.py::test_a_model_is_listed_and_answers_a_prompt",
    "RouteTools.openapi": ROUTES + "test_operations_are_listed_and_called_by_clients_of_both_eras",
    "RouteTools.base": ROUTES + "test_operations_are_listed_and_called_by_clients_of_both_eras",
    "RouteTools.host": ROUTES + "test_a_host_that_is_written_is_the_one_that_routes_match",
    "RouteTools.largest": ROUTES + "test_a_large_answer_is_cut_off_and_says_so",
    "ServerDocument.user": RUN + "test_a_command_runs_as_its_user",
    **dict.fromkeys(
        ("CommandLimits.memory", "CommandLimits.processes"),
        "upstreams/test_stdio_launch.py::test_limits_cannot_be_lifted",
    ),
    **dict.fromkeys(("CommandLimits.files", "CommandLimits.cpu"), RUN + "test_a_command_runs_under_its_limits"),
    "RouteTools.largest_body": ROUTES + "test_files_forms_and_cookies_arrive_as_the_route_wants_them",
    "RouteTools.outputs": ROUTES + "test_tools_of_a_document_that_is_not_exact_promise_nothing",
    "Processes.most": STDIO + "test_five_hundred_sessions_leave_no_more_processes_than_there_may_be",
    "Processes.idle": STDIO + "test_one_that_is_idle_or_old_or_named_no_more_is_ended",
    "Processes.lifetime": STDIO + "test_calls_under_way_are_waited_for_before_an_old_one_ends",
    "Processes.line": STDIO + "test_a_line_without_end_ends_the_process_and_holds_no_memory",
    "ServerDocument.alias": "gates/mcp/test_names.py::test_usual_names_are_alias_and_tool",
    "ServerDocument.headers": "gates/mcp/test_transports.py::test_secrets_are_sent_and_never_shown",
    **{
        f"ClientCredentials.{field}": TOKENS_OURS + "test_it_is_asked_for_with_our_credentials_for_that_server_alone"
        for field in ("token_url", "client_id", "client_secret", "method", "scopes", "resource")
    },
    "ClientCredentials.issuer": TOKENS_OURS + "test_an_issuer_says_where_and_must_be_the_one_that_was_asked",
    "ServerAuth.bearer": MCP + "test_the_client_token_never_reaches_a_server_but_its_own_credential_does",
    "ToolFilter.allow": TOOLS + "test_deny_wins_over_allow_and_an_empty_allow_list_allows_nothing",
    "ToolFilter.deny": MCP + "test_a_denied_tool_cannot_be_told_from_an_unknown_one",
    "ToolOverride.name": ITEMS + "test_a_servers_tools_are_shown_as_it_is_written",
    "ToolOverride.description": ITEMS + "test_a_servers_tools_are_shown_as_it_is_written",
    "ServerDocument.owner": SAYS_ONLY,
    "ServerDocument.teams": MCP + "test_teams_see_their_servers_and_paths_only",
    "VirtualServerDocument.tools": TOOLS + "test_a_virtual_server_matches_full_names_and_never_widens",
    "VirtualServerDocument.prompts": ITEMS + "test_a_virtual_server_shows_the_prompts_and_resources_it_names",
    "VirtualServerDocument.resources": ITEMS + "test_a_virtual_server_shows_the_prompts_and_resources_it_names",
    "VirtualServerDocument.naming": ITEMS + "test_a_path_has_names_of_its_own",
    "VirtualServerDocument.separator": ITEMS + "test_a_path_has_names_of_its_own",
    "VirtualServerDocument.fail_closed": LISTS + "test_a_path_may_rather_fail_than_show_a_part",
    "VirtualServerDocument.instructions": LIFE + "test_clients_are_told_the_operators_instructions",
    "VirtualServerDocument.progressive": DISCOVERY + "test_a_path_may_be_searched_alone",
    "VirtualServerDocument.teams": MCP + "test_teams_see_their_servers_and_paths_only",
    "VirtualServerDocument.policies": MCP + "test_policies_of_a_virtual_server_hold_on_its_path_only",
    **dict.fromkeys(
        ("PromptFilter.allow", "PromptFilter.deny", "ResourceFilter.allow", "ResourceFilter.deny"),
        TOOLS + "test_prompts_and_resources_are_filtered_by_the_servers_own_names",
    ),
    **{
        f"AccessRule.{field}": RULES + "test_it_concerns_what_it_names_and_everything_where_it_names_nothing"
        for field in ("tools", "prompts", "resources")
    },
    **{
        f"AccessRule.{field}": RULES + "test_whom_it_hides_things_from"
        for field in ("teams", "consumers", "roles", "deny", "when")
    },
    "ValidationDocument.arguments": "gates/mcp/test_validation.py::test_observed_and_unlooked_at_arguments_pass",
    "ValidationDocument.results": CONTROLS + "test_sizes_and_schemas_of_results_hold_in_every_pair",
    "ResultsDocument.largest": CONTROLS + "test_sizes_and_schemas_of_results_hold_in_every_pair",
    "ResultsDocument.over": CONTROLS + "test_an_endless_result_is_refused_within_bounds",
    "RememberedDocument.tools": REMEMBERED + "test_only_tools_that_say_that_they_read_are_remembered",
    "RememberedDocument.ttl": REMEMBERED + "test_it_is_forgotten_in_time_and_when_something_may_have_changed",
    "RememberedDocument.shared": REMEMBERED + "test_what_is_public_is_shared_where_that_is_written_and_private_is_not",
    "AccessRule.scopes": RULES + "test_only_needed_scopes_can_be_lacking",
    "VirtualServerDocument.scopes": OAUTH + "test_tokens_need_the_scopes_of_the_endpoint_and_keys_do_not",
    **dict.fromkeys(
        ("ResourceDocument.url", "ResourceDocument.authorization_servers", "ResourceDocument.scopes"),
        OAUTH + "test_each_endpoint_has_a_document_and_no_name_is_given_away",
    ),
    # people ---------------------------------------------------------------------------------------------------
    "TeamDocument.plan": PEOPLE,
    "TeamDocument.policies": API + "test_policies_of_plan_and_team_hold_on_every_route",
    "ConsumerDocument.plan": PEOPLE,
    "ConsumerDocument.roles": PEOPLE,
    "ConsumerDocument.scopes": PEOPLE,
    **dict.fromkeys(("OrgDocument.fiscal_start", "BudgetTerms.money", "BudgetTerms.tokens"), BUDGETS + BECOME),
    **dict.fromkeys(("BudgetTerms.per", "BudgetTerms.rolling"), BUDGETS + BECOME),
    **{
        f"BudgetTerms.{name}": BUDGETS + "test_what_else_is_written_is_what_the_budget_has"
        for name in ("mode", "soft", "reservation", "last_request", "hard_cutoff")
    },
    "AlertsDocument.webhook": ALERTS + "test_each_threshold_is_told_once_in_its_window_by_any_node",
    "AlertsDocument.secret": ALERTS + "test_it_says_what_a_reader_needs_and_who_sent_it",
    "PlanDocument.policies": API + "test_policies_of_plan_and_team_hold_on_every_route",
    "Documents.policies": "config/test_load.py::test_a_chain_of_the_operator_replaces_the_shipped_one",
    # policies -------------------------------------------------------------------------------------------------
    **dict.fromkeys((f"{use}.name" for use in registry().policies), LABELS),
    "access.mode": API + "test_an_access_policy_that_only_observes_lets_pass_and_is_shown",
    **{f"access.{name}": ACCESS + "test_a_listed_caller_passes" for name in ("teams", "consumers", "roles")},
    "access.scopes": ACCESS + "test_a_missing_scope_names_all_needed_ones_in_one_challenge",
    "adaptive_concurrency.start": ADAPTIVE + "test_it_begins_where_it_is_told_to_and_refuses_above",
    "adaptive_concurrency.least": ADAPTIVE + "test_slower_answers_lower_the_bound_down_to_the_least",
    "adaptive_concurrency.most": ADAPTIVE + "test_it_never_goes_above_the_most",
    "adaptive_concurrency.tolerance": ADAPTIVE + "test_tolerance_forgives_answers_that_are_a_little_slower",
    "adaptive_concurrency.remeasure": ADAPTIVE + "test_the_best_time_is_measured_again_after_a_while",
    **{f"adaptive_concurrency.{name}": ADAPTIVE + "test_a_few_wait_for_a_while" for name in ("queue", "queue_timeout")},
    "bulkhead.mode": BULKHEAD + "test_observing_refuses_nobody_and_says_so",
    **{f"bulkhead.{name}": BULKHEAD + "test_each_subject_has_places_of_its_own" for name in ("at_once", "by")},
    **{f"bulkhead.{name}": BULKHEAD + "test_some_wait_for_a_place_for_a_while" for name in ("queue", "queue_timeout")},
    "adaptive_concurrency.mode": ADAPTIVE + "test_observing_refuses_nobody_and_says_so",
    **{f"budget.{name}": BUDGETS + BECOME for name in ("money", "tokens", "per", "rolling")},
    **{
        f"budget.{name}": BUDGETS + "test_what_else_is_written_is_what_the_budget_has"
        for name in ("mode", "soft", "reservation", "last_request", "hard_cutoff")
    },
    "budget.name": "policies/test_budget.py::test_a_name_of_its_own_makes_one_budget_of_several_places",
    "budget.by": "core/test_allowance.py::test_each_holder_has_a_bucket_of_its_own",
    "budget.fiscal_start": "policies/test_budget.py::test_its_label_is_its_place_and_its_window_the_one_written",
    "breaker.mode": BREAKER + "test_a_breaker_that_never_decides_cannot_be_written",
    **{
        f"breaker.{name}": BREAKER + "test_the_rules_are_written_into_the_dispatch"
        for name in ("failures", "longest", "permits")
    },
    **{
        f"breaker.{name}": BREAKER + "test_shares_replace_failures_in_a_row_unless_both_are_said"
        for name in ("rate", "window", "volume", "slow", "slow_rate")
    },
    "breaker.shared": BREAKER + "test_nodes_tell_one_another",
    "breaker.open_for": API + "test_an_open_breaker_spares_the_service_and_stays_open_over_reloads",
    "sse.mode": SSE + "test_it_cannot_merely_observe",
    "sse.keep_alive": SSE + "test_the_wait_is_as_written",
    "sse.retry": SSE + "test_the_hint_is_the_first_that_browsers_hear",
    "deadline.mode": DEADLINE + "test_it_cannot_merely_observe",
    **{
        f"deadline.{name}": DEADLINE + "test_header_unit_and_bound_are_as_written"
        for name in ("header", "unit", "longest")
    },
    "deadline.trusted": DEADLINE + "test_only_trusted_proxies_may_be_asked",
    "fair_share.mode": FAIR + "test_observing_refuses_nobody_and_says_so",
    "fair_share.at_once": FAIR + "test_one_that_is_alone_has_everything",
    "fair_share.by": FAIR + "test_places_are_shared_among_teams_consumers_or_orgs",
    "fair_share.queue": FAIR + "test_a_full_queue_costs_the_one_with_most_waiting",
    "fair_share.queue_timeout": FAIR + "test_nobody_waits_for_longer_than_is_said",
    "hedge.mode": HEDGE + "test_hedges_without_bounds_cannot_be_written",
    "hedge.after": HEDGE + "test_a_slow_endpoint_is_passed_by_and_its_connection_is_closed",
    "hedge.least": HEDGING + "test_until_enough_is_known_nothing_is_hedged_and_never_sooner_than_the_least",
    "hedge.budget": HEDGING + "test_hedges_are_a_share_of_the_calls",
    **{f"jwt.{name}": JWT + "test_a_wrong_claim_is_refused" for name in ("issuer", "audience")},
    "jwt.mode": "policies/test_jwt.py::test_it_cannot_merely_observe",
    "jwt.keys": JWT + "test_a_rotated_key_is_found_and_ten_thousand_unknown_ones_load_once",
    "jwt.algorithms": JWT + "test_hmac_with_the_public_key_and_none_are_never_accepted",
    "jwt.token_type": JWT + "test_the_required_token_type_is_checked",
    "jwt.leeway": JWT + "test_a_clock_difference_within_the_leeway_is_forgiven",
    **{
        f"jwt.{name}": JWT + "test_the_claims_that_are_read_are_those_that_were_named"
        for name in ("team", "team_claim", "consumer_claim", "scopes_claim", "roles_claim")
    },
    "key_auth.mode": "policies/test_key_auth.py::test_it_cannot_merely_observe",
    "priority.mode": PRIORITY + "test_it_decides_nothing_that_could_be_observed",
    "priority.level": PRIORITY + "test_the_class_is_as_written_and_the_last_one_counts",
    "priority.consumers": PRIORITY + "test_it_may_be_for_some_consumers_only",
    "priority.urgency": PRIORITY + "test_urgency_is_taken_from_a_trusted_proxy",
    "rate_limit.name": API + "test_a_limit_of_one_name_is_one_allowance_wherever_it_stands",
    "rate_limit.mode": API + "test_a_limit_that_only_observes_refuses_nobody_and_is_shown",
    **{f"rate_limit.{name}": LIMIT + "test_the_claim_is_the_limit_as_written" for name in ("window", "burst")},
    "rate_limit.requests": API + "test_every_limit_of_one_route_counts_and_the_tightest_is_told",
    "rate_limit.by": LIMIT + "test_each_subject_has_its_own_bucket",
    "ModelDocument.count": "gates/llm/test_exact.py::test_a_model_says_itself_how_it_is_counted",
    "concurrency_limit.name": PLACES + "test_a_place_is_taken_and_given_back_at_the_end",
    "concurrency_limit.at_once": PLACES + "test_a_place_is_taken_and_given_back_at_the_end",
    "concurrency_limit.mode": PLACES + "test_who_only_looks_refuses_nobody",
    "concurrency_limit.by": PLACES + "test_places_are_of_the_subject_that_is_named",
    **{
        f"token_limit.{name}": TOKENS + "test_each_dimension_that_is_written_has_a_bucket_of_its_own"
        for name in ("name", "requests", "input", "output", "total")
    },
    **{f"token_limit.{name}": TOKENS + "test_the_claim_is_the_limit_as_written" for name in ("window", "burst", "by")},
    "semantic_cache.ttl": MEANT + "test_what_is_said_of_equal_questions_holds_here_too",
    "semantic_cache.scope": MEANT + "test_teams_share_no_meaning_either",
    "semantic_cache.wrong": NAMESPACE + "test_another_rate_holds_from_now_on",
    "semantic_cache.audit": NAMESPACE + "test_early_hits_are_audited_often_and_later_ones_as_said",
    "semantic_cache.temperature": MEANT + "test_what_may_not_be_compared_is_asked",
    "semantic_cache.embedder": MEANT + "test_what_is_missing_is_its_status",
    "semantic_cache.model": MEANT + "test_what_is_missing_is_its_status",
    "semantic_cache.judge": MEANT + "test_a_judge_labels_what_nobody_else_can_tell",
    "semantic_cache.tags": MEANT + "test_what_is_said_of_equal_questions_holds_here_too",
    "semantic_cache.largest": MEANT + "test_what_is_said_of_equal_questions_holds_here_too",
    "semantic_cache.client_control": MEANT + "test_what_is_said_of_equal_questions_holds_here_too",
    "semantic_cache.mode": MEANT + "test_observing_asks_every_time",
    "system_prompt.text": OURS + "test_they_stand_where_it_is_said",
    "system_prompt.place": OURS + "test_they_stand_where_it_is_said",
    "system_prompt.version": OURS + "test_they_stand_where_it_is_said",
    "system_prompt.mode": OURS + "test_observing_adds_nothing",
    **{
        f"PromptDocument.{name}": PROMPTS + "test_teams_and_consumers_may_use_it_that_are_named"
        for name in ("teams", "consumers")
    },
    "PromptDocument.default": PROMPTS + "test_an_old_version_is_there_for_as_long_as_it_is_written",
    **{
        f"{name}": PROMPTS + "test_the_vendors_own_clients_ask_for_prompts_in_every_dialect"
        for name in (
            "PromptTurnDocument.role",
            "PromptTurnDocument.content",
            "PromptVariableDocument.escape",
            "PromptVariableDocument.default",
        )
    },
    "PromptVariableDocument.longest": PROMPTS + "test_what_cannot_be_filled_in_is_refused_by_name",
    "prompt_cache.after": MARKS + "test_behind_tools_and_system_prompt",
    "prompt_cache.ttl": MARKS + "test_behind_the_last_turn_for_as_long_as_is_said",
    "prompt_cache.least": MARKS + "test_a_short_call_is_left_alone",
    "prompt_cache.mode": MARKS + "test_observing_marks_nothing",
    "exact_cache.ttl": EXACT + "test_an_answer_is_remembered_no_longer_than_is_said",
    "exact_cache.scope": EXACT + "test_consumers_share_as_widely_as_is_said",
    "exact_cache.tools": EXACT + "test_tools_are_remembered_where_that_is_said",
    "exact_cache.finishes": EXACT + "test_answers_cut_at_their_bound_are_remembered_where_that_is_said",
    "exact_cache.tags": EXACT + "test_answers_are_forgotten_by_team_model_tag_or_all",
    "exact_cache.largest": EXACT + "test_what_is_longer_than_is_said_passes_by",
    "exact_cache.client_control": EXACT + "test_clients_have_no_say_where_the_operator_says_so",
    "exact_cache.mode": EXACT + "test_observing_asks_all_the_same_and_notes_what_would_have_been",
    **{
        f"guardrail.{name}": GUARD + "test_a_call_that_holds_it_is_refused_and_never_sent"
        for name in ("name", "pii", "secrets", "words", "patterns", "injection", "longest")
    },
    "guardrail.on": GUARD + "test_only_what_tools_answered_where_that_is_said",
    "guardrail.action": GUARD + "test_masked_in_every_dialect_and_everywhere_in_the_call",
    "guardrail.reversible": GUARD + "test_what_was_masked_in_a_call_comes_back_in_its_answer_only_where_that_is_said",
    "guardrail.blobs": "gates/mcp/test_guarding.py::test_pictures_are_refused_by_name_or_pass",
    "guardrail.span": GUARD + "test_patterns_of_a_span_stay_so_far_behind",
    "guardrail.mode": GUARD + "test_who_only_observes_changes_nothing",
    "guardrail.json_schema": JUDGING + "form.py::test_what_fits_passes_and_of_what_does_not_nothing_is_told",
    "guardrail.textless": JUDGING + "form.py::test_an_answer_that_only_calls_tools_passes_unless_that_is_forbidden",
    "guardrail.languages": JUDGING + "tongue.py::test_calls_and_answers_in_another_language_do_not_pass",
    "guardrail.undetermined": JUDGING + "tongue.py::test_what_cannot_be_told_passes_unless_that_is_forbidden",
    "guardrail.topics": JUDGING + "topics.py::test_a_denied_topic_passes_neither_in_calls_nor_in_answers",
    "external_guard.name": EXTERNAL + "test_a_call_that_a_guard_forbids_is_never_sent",
    "external_guard.on": EXTERNAL + "test_only_what_tools_answered_where_that_is_said",
    "external_guard.mode": EXTERNAL + "test_who_only_observes_changes_nothing",
    "external_guard.reversible": EXTERNAL + "test_what_is_to_be_masked_is_masked_and_comes_back_where_that_is_said",
    "external_guard.beside": EXTERNAL + "test_provider_and_guard_are_asked_at_the_same_time",
    "external_guard.guards": EXTERNAL + "test_several_are_asked_at_once_and_the_first_that_forbids_settles_it",
    **{
        f"GuardDocument.{name}": EXTERNAL + proof
        for name, proof in {
            "name": "test_what_makes_no_sense_is_refused_when_it_is_written",
            "timeout": "test_without_a_verdict_no_call_passes",
            "on_failure": "test_where_it_may_fail_calls_and_answers_pass_and_it_is_said",
            "remember": "test_a_verdict_counts_for_the_same_texts_as_long_as_is_said",
            "at_once": "test_no_more_questions_are_under_way_than_is_said",
            "largest": "test_more_than_it_may_be_given_is_refused_or_passes_as_is_said",
        }.items()
    },
    **{
        f"{kind}Guard.kind": EXTERNAL + "test_a_call_that_a_guard_forbids_is_never_sent"
        for kind in ("Moderation", "Webhook", "Presidio", "Judge")
    },
    **{
        f"{kind}Guard.url": EXTERNAL + "test_a_call_that_a_guard_forbids_is_never_sent"
        for kind in ("Moderation", "Webhook", "Presidio")
    },
    "PlacedGuard.key": EXTERNAL + "test_each_text_is_sent_once_with_its_place_and_signed",
    "WebhookGuard.secret": EXTERNAL + "test_each_text_is_sent_once_with_its_place_and_signed",
    "ModerationGuard.model": EXTERNAL + "test_a_moderation_model_of_ours_is_asked_too",
    "ModerationGuard.vendor_model": "wire/guards/test_moderation.py::test_texts_go_in_batches_and_the_model_is_named",
    "ModerationGuard.thresholds": "wire/guards/test_moderation.py::test_scores_count_from_their_threshold_on",
    "ModerationGuard.categories": "wire/guards/test_moderation.py::test_only_categories_that_are_asked_for_count",
    "ModerationGuard.action": EXTERNAL + "test_who_only_notes_says_so_and_may_fail",
    **{
        f"PresidioGuard.{name}": "wire/guards/test_presidio.py::test_it_is_asked_once_about_everything"
        for name in ("language", "entities", "score")
    },
    "PresidioGuard.action": EXTERNAL + "test_answers_are_masked_in_every_dialect_and_form",
    **{f"JudgeGuard.{name}": "wire/guards/test_judge.py::test_what_is_sent" for name in ("model", "rule")},
    "JudgeGuard.temperature": "wire/guards/test_judge.py::test_a_model_that_takes_no_temperature_gets_none",
    "JudgeGuard.categories": "wire/guards/test_judge.py::test_a_category_counts_where_it_is_one_of_those_named",
    "JudgeGuard.action": "config/test_documents_guards.py::test_who_only_annotates_may_fail_unless_that_is_forbidden",
    "token_limit.mode": TOKENS + "test_who_only_looks_refuses_nobody",
    "token_limit.reservation": TOKENS + "test_all_that_may_come_is_set_aside_where_that_is_asked_for",
    "token_limit.oversize": TOKENS + "test_a_call_larger_than_the_whole_allowance_waits_for_it_or_is_refused_for_good",
    **{
        f"tool_limit.{name}": TOOL_LIMIT + "test_the_claim_is_the_limit_as_written"
        for name in ("name", "mode", "calls", "window", "burst")
    },
    **{f"tool_limit.{name}": TOOL_LIMIT + "test_each_subject_has_its_own_bucket" for name in ("by", "each")},
    "tool_limit.tools": TOOL_LIMIT + "test_only_the_tools_that_are_named_count",
    "tool_limit.money": TOOL_LIMIT + "test_money_is_claimed_as_the_call_costs_it",
    "retry.mode": RETRY + "test_it_cannot_merely_observe",
    "retry.attempts": API + "test_each_of_several_services_says_itself_how_it_is_tried_again",
    "retry.on": API + "test_each_of_several_services_says_itself_how_it_is_tried_again",
    "retry.on_errors": RETRY + "test_what_else_counts_as_a_failed_try_is_written_by_cause",
    **{
        f"retry.{name}": RETRY + "test_waits_and_what_may_be_repeated_are_written"
        for name in ("methods", "idempotency_key", "backoff", "retry_after")
    },
    "retry.budget": "upstreams/test_attempts.py::test_the_budget_bounds_retries_over_all_calls",
    "shed.mode": SHED + "test_observing_refuses_nobody_and_says_so",
    "shed.at_once": SHED + "test_a_free_place_goes_to_the_highest_priority",
    "shed.queue": SHED + "test_a_full_queue_sheds_batch_first_and_critical_last",
    "shed.longest": SHED + "test_what_cannot_be_served_in_time_is_refused_with_a_reason_a_wait_and_a_word_to_gateways",
    "shed.target": SHED + "test_once_the_queue_has_not_been_empty_for_long_nobody_waits_for_more_than_the_target",
    "shed.reserve": SHED + "test_places_that_critical_calls_used_of_late_are_kept_for_them",
    **{
        f"{use}.mode": f"policies/test_{use}.py::test_it_cannot_merely_observe"
        for use in ("request_headers", "response_headers", "rewrite", "redirect", "cors", "canary", "mirror")
    },
    **{
        f"{use}.{name}": HEADERS for use in ("request_headers", "response_headers") for name in ("set", "add", "remove")
    },
    **{
        f"rewrite.{name}": REWRITE + "test_rt12_host_path_and_prefix_are_rewritten_and_the_query_stays"
        for name in ("host", "path", "prefix")
    },
    **{
        f"redirect.{name}": REDIRECT + "test_rt12_a_location_has_what_was_written_and_no_needless_port"
        for name in ("scheme", "hostname", "port", "path", "prefix")
    },
    "redirect.code": REDIRECT + "test_a_route_that_redirects_needs_no_service_and_asks_nobody",
    "cors.allow_origins": CORS + "test_only_allowed_origins_are_reflected",
    "cors.allow_credentials": CORS + "test_any_origin_is_a_star_unless_credentials_may_come",
    **{
        f"cors.{name}": CORS + "test_a_preflight_tells_methods_fields_and_how_long"
        for name in ("allow_methods", "allow_headers", "max_age")
    },
    "cors.expose_headers": CORS + "test_the_services_own_word_is_replaced",
    **{
        f"canary.{name}": CANARY + "test_any_one_condition_is_enough"
        for name in ("headers", "cookies", "query", "consumers", "percent")
    },
    "canary.service": CANARY + "test_the_chosen_service_answers_and_the_routes_own_when_it_is_down",
    **{
        f"canary.{name}": CANARY + "test_rt9_each_caller_stays_on_one_side_and_the_share_is_kept"
        for name in ("by", "cookie")
    },
    "mirror.service": COPIES + "test_each_mirror_gets_the_call_as_it_goes_out_marked_and_without_credentials",
    "mirror.percent": MIRROR + "test_a_share_of_the_calls_is_copied",
    "mirror.fraction": MIRROR + "test_a_share_of_the_calls_is_copied",
    "mirror.unsafe": MIRROR + "test_calls_that_may_have_effects_are_copied_only_when_that_is_said",
    "mirror.credentials": COPIES + "test_credentials_go_with_a_copy_when_that_is_said",
    **{
        f"mirror.{name}": COPIES + "test_a_mirror_that_hangs_delays_nobody_and_what_has_no_room_is_dropped"
        for name in ("concurrency", "queue", "timeout")
    },
    "timeout.mode": TIMEOUT + "test_it_cannot_merely_observe",
    **{
        f"timeout.{name}": TIMEOUT + "test_each_time_reaches_the_dispatch"
        for name in ("connect", "first_byte", "idle", "attempt")
    },
    **{
        f"https_redirect.{name}": EDGE.format("https_redirect", test)
        for name, test in {
            "mode": "it_cannot_merely_observe",
            "port": "the_place_is_the_same",
            "code": "the_status_is_as_written",
        }.items()
    },
    **{
        f"hsts.{name}": EDGE.format("hsts", "what_is_written_is_told")
        for name in ("max_age", "include_subdomains", "preload")
    },
    "hsts.mode": EDGE.format("hsts", "it_cannot_merely_observe"),
    "ip_access.mode": EDGE.format("ip_access", "one_that_only_observes_lets_pass_and_is_shown"),
    **{
        f"ip_access.{name}": EDGE.format(
            "ip_access", "a_denied_address_never_passes_and_where_some_are_allowed_nobody_else_does"
        )
        for name in ("allow", "deny")
    },
    "body_limit.mode": EDGE.format("body_limit", "it_cannot_merely_observe"),
    "body_limit.max": EDGE.format("body_limit", "a_length_that_is_not_told_ends_when_it_is_too_large"),
    **{
        f"client_cert.{name}": EDGE.format("client_cert", test)
        for name, test in {
            "mode": "what_cannot_be_meant_is_refused",
            "required": "a_certificate_is_needed_and_a_header_is_none",
            "uris": "who_is_listed_passes_and_everybody_else_is_forbidden",
            "names": "who_is_listed_passes_and_everybody_else_is_forbidden",
            "issuers": "who_is_listed_passes_and_everybody_else_is_forbidden",
            "fingerprints": "a_fingerprint_may_be_written_with_colons",
            "team": "the_caller_is_of_the_team_and_named_by_the_certificate",
            "consumer": "the_caller_is_of_the_team_and_named_by_the_certificate",
            "forward": "the_service_is_shown_it_only_when_that_is_written",
        }.items()
    },
    **{
        f"compress.{name}": EDGE.format("compress", test)
        for name, test in {
            "mode": "what_cannot_be_meant_is_refused",
            "codings": "only_what_was_written_is_offered",
            "types": "types_are_those_that_were_written",
            "min_size": "what_is_small_is_not_worth_it",
            "streams": "events_are_compressed_each_for_itself_when_that_is_wanted",
        }.items()
    },
    "json_limits.mode": EDGE.format("json_limits", "it_cannot_merely_observe"),
    **{
        f"json_limits.{name}": EDGE.format("json_limits", "each_bound_is_as_written")
        for name in ("depth", "keys", "max")
    },
    "timeout.total": LLM + "test_a_policys_total_holds_for_all_attempts_together",
}
OPTIONS = {
    **dict.fromkeys(
        ("check.config", "explain.config", "create.config", "list_keys.config", "revoke.config", "usage.config"), PLACE
    ),
    "export.config": "cli/test_embed.py::test_it_writes_below_the_configuration_and_says_where",
    "export.output": "cli/test_embed.py::test_it_writes_below_the_configuration_and_says_where",
    "serve.config": "cli/test_serve.py::test_it_says_where_it_listens_and_ends_well",
    "serve.workers": "journeys/test_workers.py::test_two_workers_share_the_port_and_the_page_shows_the_sum",
    "check.strict": "cli/test_check.py::test_secrets_that_are_missing_warn_and_fail_only_when_strict",
    "check.status": "cli/test_statuses.py::test_a_table_says_what_became_of_each_object_and_what_is_not_used",
    **{
        f"check.{name}": "cli/test_statuses.py::test_programs_read_the_objects_with_their_status"
        for name in ("form", "output")
    },
    "explain.method": "cli/test_explain.py::test_a_body_says_which_model_is_meant",
    "explain.url": "cli/test_explain.py::test_a_path_that_nothing_serves_is_a_404",
    "explain.header": "cli/test_explain.py::test_with_a_key_it_would_be_sent_and_nothing_is",
    "explain.body": "cli/test_explain.py::test_a_body_says_which_model_is_meant",
    "init.directory": "cli/test_init.py::test_what_it_writes_passes_check_and_serves",
    **{f"create.{name}": KEY + "test_a_consumer_that_is_not_there_gets_none" for name in ("org", "team", "consumer")},
    "create.name": KEY + "test_a_key_is_made_listed_and_revoked",
    "create.plan": KEY + "test_a_key_has_the_plan_that_was_asked_for",
    "create.scope": KEY + "test_a_key_opens_what_its_scopes_say",
    "create.expires": KEY + "test_the_end_and_the_environment_are_kept",
    **{f"create.{name}": KEY + "test_a_key_with_a_budget_spends_no_more" for name in ("budget", "per")},
    "create.env": KEY + "test_the_end_and_the_environment_are_kept",
    **dict.fromkeys(
        ("list_items.config", "call.config", "inspect.config"),
        MCP_USE + "test_without_a_gateway_or_an_endpoint_it_says_so",
    ),
    **{
        f"list_items.{name}": MCP_USE + "test_tools_are_listed_in_lines_and_whole"
        for name in ("kind", "form", "output")
    },
    **{
        f"call.{name}": MCP_USE + "test_a_tool_is_called_and_its_failure_is_the_status"
        for name in ("tool", "arguments")
    },
    "call.form": MCP_USE + "test_a_tool_is_called_and_its_failure_is_the_status",
    "list_keys.team": KEY + "test_keys_of_one_team_can_be_listed_alone",
    "list_keys.form": KEY + "test_a_list_can_be_written_to_a_file",
    "list_keys.output": KEY + "test_a_list_can_be_written_to_a_file",
    "revoke.key_id": KEY + "test_a_key_is_made_listed_and_revoked",
    **{f"pins.{name}": MCP_PINS for name in ("standing", "form", "output", "config")},
    "diff.config": MCP_PINS,
    **{f"approve.{name}": MCP_PINS for name in ("every", "suspicious", "config")},
    **{f"approvals.{name}": MCP_WAITS for name in ("every", "form", "output", "config")},
    **{f"{name}_call.config": MCP_WAITS for name in ("approve", "decline")},
    "approve.reject": "cli/test_mcp.py::test_what_is_meant_has_to_be_said",
    "usage.by": REPORT + "test_the_table_says_as_of_when_and_is_plain_in_a_pipe",
    "usage.since": REPORT + "test_a_period_without_calls_is_empty",
    "usage.until": REPORT + "test_a_period_without_calls_is_empty",
    "usage.form": REPORT + "test_it_can_be_written_to_a_file",
    "chargeback.period": CHARGED + "test_wrong_usage_is_said",
    "chargeback.by": CHARGED + "test_the_table_says_as_of_when_and_sums_up",
    "chargeback.since": CHARGED + "test_it_can_be_written_to_a_file",
    "chargeback.until": CHARGED + "test_wrong_usage_is_said",
    "chargeback.grain": CHARGED + "test_with_and_without_a_gateway_the_numbers_are_the_same",
    "chargeback.form": CHARGED + "test_it_can_be_written_to_a_file",
    "chargeback.output": CHARGED + "test_it_can_be_written_to_a_file",
    "chargeback.config": CHARGED + "test_the_table_says_as_of_when_and_sums_up",
    "usage.output": REPORT + "test_it_can_be_written_to_a_file",
}
VARIABLE = "config/test_environment.py::test_every_variable_leads_to_a_setting"


def models(kind: Any) -> Iterator[type[BaseModel]]:
    """The documents that a field holds; policies are listed for themselves."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not issubclass(kind, Policy):
            yield kind
    else:
        for part in get_args(kind):
            yield from models(part)


def written_in(model: type[BaseModel], field: str) -> str:
    """The class whose field it is; what all upstreams have counts for each kind of them."""
    home = next(cls for cls in reversed(model.__mro__) if field in get_annotations(cls))
    return (model if home is Reached else home).__name__


def reached(model: type[BaseModel], seen: set[type[BaseModel]] | None = None) -> set[type[BaseModel]]:
    """The model and every document below it."""
    seen = set() if seen is None else seen
    if model not in seen:
        seen.add(model)
        for facts in model.model_fields.values():
            for inner in models(facts.annotation):
                reached(inner, seen)
    return seen


def accepted() -> set[str]:
    """Every field that a configuration may hold and that holds no document itself."""
    found = {f"{use}.{name}" for use, cls in registry().policies.items() for name in cls.model_fields if name != "use"}
    for model in reached(Settings) | reached(Documents) | set(models(AnyGuard)):
        for name, facts in model.model_fields.items():
            if not list(models(facts.annotation)):
                found.add(f"{written_in(model, name)}.{name}")
    return found


def options() -> set[str]:
    """Every option and argument of every command: function.name."""
    found = set()
    for command in COMMANDS:
        texts = [path.read_text() for path in (CLI / f"{command}.py", *CLI.glob(f"{command}_*.py"))]
        for node in [node for text in texts for node in ast.parse(text).body]:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                for one in (*node.args.args, *node.args.kwonlyargs):
                    written = "" if one.annotation is None else ast.unparse(one.annotation)
                    if "Parameter(" in written or written == "Config":
                        found.add(f"{node.name}.{one.arg}")
    return found


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def test_every_field_that_is_accepted_stands_in_the_table_and_no_other() -> None:
    assert (accepted() - FIELDS.keys(), FIELDS.keys() - accepted()) == (set(), set())


def test_every_option_of_every_command_stands_in_the_table_and_no_other() -> None:
    assert (options() - OPTIONS.keys(), OPTIONS.keys() - options()) == (set(), set())


@pytest.mark.parametrize("proof", sorted({*FIELDS.values(), *OPTIONS.values(), VARIABLE} - {SAYS_ONLY}))
def test_what_proves_it_exists(proof: str) -> None:
    file, _, name = proof.partition("::")
    assert name in named_in(file)


@pytest.mark.parametrize("field", sorted(name for name, proof in FIELDS.items() if proof == SAYS_ONLY))
def test_a_field_that_only_documents_says_so(field: str) -> None:
    owner, _, name = field.partition(".")
    cls = next(cls for cls in reached(Documents) if cls.__name__ == owner)
    said = cls.model_fields[name].description or descriptions(cls).get(name, "")
    assert any(words in said for words in ("says only", "told to readers", "answers for it")), said


def test_every_variable_is_tested() -> None:
    """Its test goes through the same table that is read by the gateway."""
    assert "VARIABLES" in (TESTS / VARIABLE.partition("::")[0]).read_text()
    assert len(VARIABLES) > 20
