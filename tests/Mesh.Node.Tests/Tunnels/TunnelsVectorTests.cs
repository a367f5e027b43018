using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

/// <summary>With whom a node of re6st begins a tunnel and whom it asks, as recorded; and what we do, over OpenVPN too. That there is a session with the registry's node is for <see cref="PeersActor"/> to see to.</summary>
public sealed class TunnelsVectorTests
{
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private static readonly OpenVpnProcessId Server = new(99);
    private static readonly JsonElement Cases =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "tunnel-selection.json"))).RootElement.GetProperty("make").GetProperty("cases");

    // Where we do otherwise, and why.
    private static readonly Dictionary<string, (string[] Actions, string Why)> Otherwise = new(StringComparer.Ordinal)
    {
        ["start, no cached peer can be used: registry is not asked because the cache has untried peers"] = (["connect 3/16", "ask registry"], "nobody else is left to try, so the registry is asked at once"),
        ["peers but no route to the registry"] = (["connect 6/16"], "whom we know is tried first; the registry is asked when that has led to nothing for a while"),
        ["peers but no route to the registry, registry is dead"] = (["connect 6/16"], "a node that is known and not routed may be on the other side of the rift"),
        ["registry node alone with empty cache"] = (["ask registry"], "the registry beside us knows of nodes that we have not met"),
    };

    public static TheoryData<string> Titles => [.. Cases.EnumerateArray().Select(static one => one.GetProperty("title").GetString()!)];

    [Theory, MemberData(nameof(Titles))]
    public void Tunnels_are_begun_as_in_re6st(string title)
    {
        JsonElement one = Cases.EnumerateArray().Single(c => c.GetProperty("title").GetString() == title);
        string[] recorded = [.. one.GetProperty("actions").EnumerateArray().Select(Name).OfType<string>()];
        string[] expected = Otherwise.TryGetValue(title, out (string[] Actions, string) ours) ? ours.Actions : recorded;
        Assert.True(ours.Actions is null || !ours.Actions.SequenceEqual(recorded), "nothing is otherwise any more");
        string[] cached = Names(one, "cached_peers");
        string[] done = new Play(one).Run();
        // Which of several that are as good is a matter of chance, there and here.
        string[] Blur(string[] actions) => cached.Length > 2 ? [.. actions.Select(a => cached.Any(c => a == $"connect {c}") ? "connect a cached one" : a)] : actions;
        Assert.Equal(Blur(expected), Blur(done));
        Assert.Equal(done.Length, done.Distinct(StringComparer.Ordinal).Count());
    }

    private static string? Name(JsonElement action) => action.ValueKind == JsonValueKind.String ? action.GetString()
        : action.TryGetProperty("connect", out JsonElement peer) ? $"connect {peer.GetString()}"
        : action.TryGetProperty("ask_address", out peer) ? $"ask {peer.GetString()}"
        : null;

    private static string[] Names(JsonElement one, string list) => [.. one.GetProperty(list).EnumerateArray().Select(static e => e.GetString()!)];

    private sealed class Play
    {
        private readonly JsonElement _case;
        private readonly RecordingOpenVpn _openVpn = new();
        private readonly TunnelsWorld _world;
        private readonly TestProbe _asked;
        private readonly List<PeerAddressEntry> _known = [];
        private readonly List<string> _done = [];
        private int _begun;

        public Play(JsonElement one)
        {
            _case = one;
            var options = new TunnelsOptions
            {
                Self = NodePrefix.ParseCommonName(one.GetProperty("own").GetString()!),
                Network = Network,
                Neighbours = Names(one, "neighbour_option").Select(static name => NodePrefix.ParseCommonName(name)).ToHashSet(),
            };
            _world = new TunnelsWorld(options, openVpn: _openVpn.With());
            _asked = _world.Kit.CreateProbe("asked");
            _world.Kit.System.EventStream.Subscribe<AskPeerAddress>(_asked.Ref);
        }

        public string[] Run()
        {
            Prepare();
            Parameters(_case.GetProperty("client_count").GetInt32());
            Learn(Names(_case, "cached_peers"));
            Collect();
            if (Names(_case, "connect_fails").Length > 0 || _done.Count == 0)
                _world.Kit.Advance(TimeSpan.FromMilliseconds(600));   // the first look comes with the time
            Collect();
            return [.. _done];
        }

        // What there is before: tunnels, routes, nodes that could not be reached.
        private void Prepare()
        {
            string[] clients = Names(_case, "client_tunnels"), servers = Names(_case, "server_tunnels"), failed = Names(_case, "cached_failed_peers");
            Parameters(clients.Length + failed.Length);
            if (clients.Length + failed.Length > 0)
                Learn([.. clients, .. failed]);
            foreach ((OpenVpnProcessId process, OpenVpnClientOrder order, ActorRef owner) in _openVpn.Clients)
            {
                string name = order.Peer.CommonName;
                owner.Tell(failed.Contains(name)
                    ? new OpenVpnEnded(process, "nobody answers")
                    : new OpenVpnUp(process, order.Link.Device, 10, new OpenVpnPeer(name, 5, new IPEndPoint(IPAddress.Loopback, 1194)), SeenAt: null));
            }

            _begun = _openVpn.Clients.Count;
            foreach ((int index, string server) in servers.Index())
            {
                _world.Manager.Tell(new OpenVpnPeerAsks(RecordingOpenVpn.Asks(Server, (uint)index, server, 6), AddressProtocol.Tcp, Link: 7));
                _world.Kit.Settle();
                _openVpn.Admitted[^1].Owner.Tell(new OpenVpnClientIn(Server, (uint)index));
            }

            _world.Kit.Settle();
            _world.Bootstrap.ReceiveAll();
            ImmutableArray<NodeRoute> routes = [.. _case.GetProperty("routes").EnumerateObject().Index().SelectMany(static direct => direct.Item.Value.EnumerateArray().Select(node => new NodeRoute(
                NodePrefix.ParseCommonName(node.GetString()!).Subnet(Network), new TunnelIndex(direct.Index + 1), NodePrefix.ParseCommonName(direct.Item.Name), 96))).OrderBy(static route => route.Destination)];
            _world.Kit.System.EventStream.Publish(new RoutesPublished(routes));
            _world.Kit.Settle();
            _asked.ReceiveAll();
        }

        private void Collect()
        {
            foreach ((OpenVpnProcessId process, OpenVpnClientOrder order, ActorRef owner) in _openVpn.Clients.Skip(_begun).ToArray())
            {
                _begun++;
                _done.Add($"connect {order.Peer}");
                if (Names(_case, "connect_fails").Contains(order.Peer.CommonName))
                    owner.Tell(new OpenVpnEnded(process, "it cannot be started"));
            }

            _done.AddRange(_asked.ReceiveAll().Cast<AskPeerAddress>().Select(static ask => $"ask {ask.Peer}"));
            if (!_world.Bootstrap.ReceiveAll().OfType<BootstrapWanted>().Any())
                return;
            _done.Add("ask registry");
            string title = _case.GetProperty("title").GetString()!;
            if (title.StartsWith("start", StringComparison.Ordinal) && _case.GetProperty("actions").EnumerateArray().Any(static a => Name(a) == "connect 2/16"))
                Learn(["2/16"]);   // its answer
        }

        private void Learn(IEnumerable<string> nodes)
        {
            _known.AddRange(nodes.Select(static node => NodePrefix.ParseCommonName(node)).Select(static node => new PeerAddressEntry(node, TunnelsWorld.Known((int)node.Value, $"198.51.100.{node.Value},1194,tcp").Addresses)));
            _world.Learn([.. _known]);
        }

        private void Parameters(int clientCount)
        {
            var parameters = new NetworkParameters { Version = NetworkVersion.Initial, Protocol = 10, RegistryPrefix = TunnelsWorld.Node(0), ClientCount = clientCount, MaxClients = 20 };
            _world.Kit.System.EventStream.Publish(new NetworkParametersChanged(parameters));
            _world.Kit.Settle();
        }
    }
}
