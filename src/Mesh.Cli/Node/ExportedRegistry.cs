using System.Collections.Immutable;
using Mesh.Cli.Registry;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Registry.Revocation;
using Mesh.Simulation.Invariants;

namespace Mesh.Cli.Node;

/// <summary>A real registry, as its list of nodes describes it: who has which prefix, and who is revoked. The rest it does not tell.</summary>
internal sealed class ExportedRegistry : RegistryView
{
    private readonly ImmutableSortedDictionary<ulong, RevokedCertificate> _revoked;

    private ExportedRegistry(IReadOnlyList<RegisteredNode> nodes, ImmutableSortedDictionary<ulong, RevokedCertificate> revoked, ulong published) => (Nodes, _revoked, Published) = (nodes, revoked, published);

    public override bool IsExport => true;

    public override TimeSpan? UpSince => TimeSpan.Zero;

    public override ulong Published { get; }

    public override TimeSpan PublishedAt => TimeSpan.Zero;

    public override IReadOnlyCollection<RegisteredNode> Nodes { get; }

    public override IReadOnlyDictionary<string, Token> Tokens => ImmutableSortedDictionary<string, Token>.Empty;

    public override IReadOnlyDictionary<ulong, RevokedCertificate> Revocations => _revoked;

    public override ulong LastSerial => 0;

    public override long? RotationSteps => null;

    public override DateTimeOffset UtcNow { get; } = DateTimeOffset.UtcNow;

    /// <summary>The registry that a list describes, or null with problems where it describes none.</summary>
    /// <param name="list">What <c>mesh registry nodes --json</c> has written.</param>
    /// <param name="published">The newest version of the parameters that a node uses, since the list has none.</param>
    /// <param name="problems">What is wrong with it.</param>
    public static ExportedRegistry? Of(IReadOnlyList<NodeReport> list, ulong published, List<string> problems)
    {
        var nodes = new List<RegisteredNode>();
        var known = new HashSet<NodePrefix>();
        foreach (NodeReport? node in list)
        {
            if (!NodePrefix.TryParseCommonName(node?.Prefix, out NodePrefix prefix))
                problems.Add($"prefix: '{node?.Prefix}' is not the name of a node such as 2/16");
            else if (!known.Add(prefix))
                problems.Add($"prefix: {prefix} is there twice");
            else
                nodes.Add(new RegisteredNode(prefix, node!.Email, Pem: "", node.Serial, SubjectSerial: -1, node.NotAfter) { IsExcluded = node.IsRevoked });
        }

        var revoked = ImmutableSortedDictionary.CreateBuilder<ulong, RevokedCertificate>();
        foreach (RegisteredNode node in nodes.Where(static node => node.IsExcluded))
            revoked[node.Serial] = new RevokedCertificate(node.NotAfter, RevocationKind.Excluded);
        return problems.Count > 0 ? null : new ExportedRegistry(nodes, revoked.ToImmutable(), published);
    }
}
