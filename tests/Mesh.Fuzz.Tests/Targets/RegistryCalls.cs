using System.Net;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Calls;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Tests;
using Mesh.Registry.Tests.Calls;
using Mesh.Registry.Tests.LocalNode;
using Mesh.Security.Sessions;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>A whole registry in virtual time that is asked once, or that the node beside it answers once.</summary>
internal static class RegistryCalls
{
    /// <summary>Stands for the prefix of the node that has a session.</summary>
    private const string Node = "NODE";

    /// <summary>Lets a node join and say hello, and returns the call: what the text says, signed with the node's session.</summary>
    public static Func<object?> Prepare(string text)
    {
        var world = new RegistryWorld();
        var caller = new Caller(world);
        NodePrefix node = world.Join("node").Prefix;
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        var session = new RegistryClientSession();
        session.Open(new SessionKey(caller.Get($"/hello?client_prefix={node.Bits}&protocol=10", Caller.Stranger).Body.Span));
        string[] lines = text.Replace(Node, node.Bits, StringComparison.Ordinal).Split('\n');
        string target = lines[0];
        var request = new RegistryRequest(lines.ElementAtOrDefault(3) ?? "GET", target, IPAddress.TryParse(lines.ElementAtOrDefault(1), out IPAddress? peer) ? peer : Caller.Stranger)
        {
            ForwardedFor = lines.ElementAtOrDefault(2),
            Mac = session.Sign(target),
        };
        return () =>
        {
            RegistryResponse response = caller.Send(request);
            string? failure = world.Kit.Log.Entries.Where(static entry => entry.Level >= LogLevel.Error).Select(static entry => entry.ToString()).FirstOrDefault();
            // 500 also says that a request cannot be read; this body is what is left when an actor failed.
            if (failure is not null || response.Status is < 200 or > 503 || response.Body.Span.StartsWith("internal error"u8))
                throw new InvalidOperationException($"status {response.Status}: {failure ?? "internal error"}");
            return response.Status is 200 or 204 ? response.Status : null;
        };
    }

    /// <summary>Asks nodes for their versions, tunnels and addresses through the one beside the registry, from which the octets come.</summary>
    public static Func<object?> Answer(byte[] datagram)
    {
        var world = new RegistryWorld();
        NodePrefix first = world.Join("first").Prefix, second = world.Join("second").Prefix;
        var node = new FakeLocalNode(world.Kit);
        ActorRef actor = world.Kit.ActorOf(Props.Create(() => new LocalNodeActor(world.Authority.Network, world.Actors.Registry, node, world.Options.CallTimeout)));
        TestProbe asker = world.Kit.CreateProbe("asker");
        foreach (LocalNodeCommand command in (LocalNodeCommand[])[new CollectVersions([first, second]), new CollectTopology(first), new AskAddress(first)])
            asker.Send(actor, command);
        return () =>
        {
            node.Deliver(datagram);
            world.Kit.Advance(TimeSpan.FromSeconds(20));
            if (world.Kit.System.FailureCount > 0)
                throw new InvalidOperationException(world.Kit.Log.Entries[^1].ToString());
            bool isKnown = false;
            foreach (object answer in asker.ReceiveAll())
            {
                ReadOnlyMemory<byte> json = answer switch { VersionsCollected versions => versions.Json, TopologyCollected topology => topology.Json, _ => "{}"u8.ToArray() };
                using JsonDocument document = JsonDocument.Parse(json);
                isKnown |= answer is AddressAnswered { Addresses: not null } || (answer is VersionsCollected && document.RootElement.EnumerateObject().Any());
            }

            return isKnown ? true : null;
        };
    }
}
