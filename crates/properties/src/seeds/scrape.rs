//! Pages as services write them.

pub(super) const PAGES: &[&str] = &[
    concat!(
        "# HELP requests_total All requests.\n# TYPE requests_total counter\n",
        "requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n",
        "requests_total{method=\"post\",code=\"500\",}    3\r\n",
        "path_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find:\\n\\\"F\\\"\"} 1.458255915e9\n",
        "plain 12.47\nodd{problem=\"division by zero\"} +Inf -3982045\nrpc_seconds{quantile=\"0.01\"} NaN\n",
    ),
    concat!(
        "took_seconds_bucket{le=\"0.1\"} 5\ntook_seconds_bucket{le=\"0.3\"} 8\ntook_seconds_bucket{le=\"+Inf\"} 9\n",
        "took_seconds_sum 1.5\ntook_seconds_count 9\n===\n",
        "took_seconds_bucket{le=\"0.1\"} 6\ntook_seconds_bucket{le=\"0.3\"} 18\ntook_seconds_bucket{le=\"+Inf\"} 29\n",
    ),
    concat!(
        "process_start_time_seconds 1.7e9\nrequests_total{code=\"200\"} 100\n===\n",
        "process_start_time_seconds 1.7e9\nrequests_total{code=\"200\"} 190\nrequests_total{code=\"503\"} 7\n===\n",
        "process_start_time_seconds 1.8e9\nrequests_total{code=\"200\"} 3\nrequests_total{code=\"503\"} 1\n",
    ),
    "\ta_bucket { le = \"0.05\" } 24054 # {trace_id=\"a # b\"} 0.039 1.6e9\n{\"a.b\", route=\"/pay\"} 3\n# EOF\nx y\n",
    "<!doctype html>\n<html></html>",
    "{\"status\": \"ok\"}",
    "{\"\"} 0\na{\"\"=\"b\"} 1\n",
    "requests_total -1\n===\nrequests_total 1e400\n===\nrequests_total 0x10\n===\nrequests_total 5e-324\n",
];
