"""A Prometheus that scrapes a pair: the alert rules and the dashboard ask for what the daemons really have."""

import http.client
import json
import re
import socket
import time
import urllib.parse

from tests.lan.cases import GLOBAL, ControlCase, instance
from tests.lan.daemons import VIP, VIP_2, Vrrpd
from tests.lan.settings import PATIENCE, ROOT, VRRPD
from tests.lan.watched import NotSeen

RULES = ROOT / "etc" / "prometheus" / "vrrpd.rules.yml"
DASHBOARD = ROOT / "etc" / "grafana" / "vrrpd.json"

_CONFIGURATION = """global: {scrape_interval: 500ms, evaluation_interval: 500ms}
rule_files: [%s]
scrape_configs:
  - job_name: vrrpd
    static_configs: [{targets: ["192.168.30.10:9112", "192.168.30.20:9112"]}]
"""
_LIMIT = re.compile(r" (?:==|[<>]) \d+(?=\)|$)")  # what makes a query empty as long as all is well
_KINDS = re.compile(r'kind=~?"([\w|]+)"')


def expressions():
    """Of each query of the rules and of the dashboard: where it stands, itself, and the labels that are shown of it."""
    for rule in re.split(r"- alert: ", RULES.read_text(encoding="utf-8"))[1:]:
        expression = re.search(r"expr: (?:\|\n)?(.*?)\n +(?:for|labels):", rule, re.DOTALL)[1]
        yield "alert " + rule.split("\n")[0], " ".join(expression.split()), re.findall(r"\$labels\.(\w+)", rule)
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            where = f"panel {panel['title']} {target['refId']}"
            expression = target["expr"].replace("$__rate_interval", "5s")
            yield where, expression, re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])


class Prometheus:
    """One that scrapes both hosts every half second, and keeps nothing but in the host's folder."""

    def __init__(self, host):
        self._host = host
        (host.etc / "prometheus.yml").write_text(_CONFIGURATION % RULES, encoding="utf-8")
        self.process = host.start("prometheus", [
            "prometheus", "--config.file=/etc/vrrpd/prometheus.yml", f"--storage.tsdb.path={host.folder / 'data'}",
            "--web.listen-address=127.0.0.1:9090", "--log.level=warn"])

    def get(self, path, **parameters):
        """The data of an answer; None: it is not there yet."""
        connection = http.client.HTTPConnection("127.0.0.1", 9090)
        connection.sock = self._host.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.sock.settimeout(PATIENCE)
        try:
            connection.sock.connect(("127.0.0.1", 9090))
            connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
            response = connection.getresponse()
            body = response.read()
        except ConnectionRefusedError:
            return None
        finally:
            connection.close()
        if response.status == 503:
            return None
        answer = json.loads(body)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        data = self.get("query", query=expression)
        return data and data["result"]

    def until(self, look, what):
        """What `look` returns once it is true."""
        end = time.monotonic() + PATIENCE
        while not (seen := look()):
            if time.monotonic() > end or not self.process.running():
                raise NotSeen(f"{what}; prometheus: {self.process.log.text(0)[-2000:]}")
            time.sleep(0.05)
        return seen


class Monitored(ControlCase):
    """Everything that has series is configured, and the two disagree on the addresses: there is a warning, too."""

    SECTIONS = ("track_check = flag\nservice = proxy\nnotify_master = /bin/true\n",
                "\n[check flag]\ntype = file\npath = /etc/vrrpd/flag\ninterval = 100ms\ntimeout = 100ms\n",
                "\n[service proxy]\ncommand = /usr/bin/sleep 1000\nuser = root\n")

    def start_daemon(self, host):
        more = f", {VIP_2}/24" if host is self.b else ""
        sections = instance(priority=self.PRIORITY[host.name], virtual_ipaddress=f"{VIP}/24{more}")
        listen = f"metrics_listen = {host.address}:9112\nscript_user = root\n"
        host.daemon = Vrrpd(host, VRRPD, GLOBAL + listen + sections + "".join(self.SECTIONS))
        host.daemon.start()
        self.addCleanup(host.daemon.stop)

    def setUp(self):
        super().setUp()
        self.prometheus = Prometheus(self.lan.host("c", "192.168.30.30"))
        self.start_both()
        self.prometheus.until(lambda: self.prometheus.query("sum(count_over_time(up[1m])) >= 6"), "a few scrapes")

    def test_every_query_has_an_answer_and_a_split_network_is_an_alert(self):
        """One, since Prometheus looks for what to scrape five seconds after its start."""
        self.check_queries()
        self.check_a_split_network()

    def check_queries(self):
        for where, expression, labels in expressions():
            with self.subTest(where, expression=expression):
                for words in _KINDS.findall(expression):
                    self.assert_known_kinds(words.split("|"), where)
                found = self.prometheus.query(_KINDS.sub('kind="list_differs"', _LIMIT.sub("", expression)))
                self.assertTrue(found, "nothing has such labels")
                shown = set(labels) - {"group"}  # of hooks: an instance's or a group's
                self.assertLessEqual(shown, set.intersection(*(set(one["metric"]) for one in found)))
                self.prometheus.query(expression)

    def assert_known_kinds(self, kinds, where):
        table = (ROOT / "docs" / "control.md").read_text(encoding="utf-8")
        for kind in kinds:
            self.assertRegex(table, rf"\n\|[^|]*`{kind}`", where)

    def check_a_split_network(self):
        alerts = lambda: {one["labels"]["alertname"]: one["labels"] for one in self.prometheus.get("alerts")["alerts"]}
        self.prometheus.until(lambda: "VrrpPeersDisagree" in alerts(), "what was configured wrong")
        self.assertNotIn("VrrpTwoActive", alerts())
        self.b.run(["nft", "table ip filter { chain input { type filter hook input priority 0; ip protocol 112 drop; }; }"])
        self.wait_role(self.b.daemon, "MASTER")
        self.prometheus.until(lambda: alerts().get("VrrpTwoActive", {}).get("address") == VIP, "the alert")
