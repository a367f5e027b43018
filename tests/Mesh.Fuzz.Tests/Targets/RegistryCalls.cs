using System.Net;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Calls;
using Mesh.Registry.Tests;
using Mesh.Registry.Tests.Calls;
using Mesh.Security.Sessions;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>A whole registry in virtual time that is asked once.</summary>
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
}
