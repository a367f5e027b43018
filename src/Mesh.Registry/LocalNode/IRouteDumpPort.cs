using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry.LocalNode;

/// <summary>What the routing daemon of the node on the same machine knows.</summary>
public interface IRouteDumpPort
{
    /// <summary>Asks for the installed routes. Answer: <see cref="RoutesDumped"/> or <see cref="DumpFailed"/>, within a few seconds.</summary>
    void Dump(ActorRef replyTo);
}

/// <summary>Where the daemon has installed routes to; IPv4 and foreign prefixes among them.</summary>
public sealed record RoutesDumped(ImmutableArray<Ipv6Prefix> Prefixes);

/// <summary>The daemon did not tell.</summary>
/// <param name="Reason">A sentence for the log.</param>
public sealed record DumpFailed(string Reason);
