using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Registry.Revocation;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/registry-memory.md</c>.</summary>
internal sealed class RegistryMemory : Invariant
{
    private readonly Dictionary<ulong, RevokedCertificate> _revoked = [];
    private readonly Dictionary<(string, DateTimeOffset), int> _usesLeft = [];   // by secret and end: one that is over may be added anew
    private ulong _published;
    private ulong _lastSerial;
    private long _steps;

    public override string Name => "registry-memory";

    public override string Says => "Nothing that the registry has promised is forgotten: certificates, prefixes, spent tokens, revocations, versions, keys.";

    public override TimeSpan Interval => TimeSpan.FromSeconds(2);

    public override TimeSpan DefaultGrace => TimeSpan.FromSeconds(2);

    // Of exports, whether the registry knows the nodes' certificates.
    public override bool IsForExports => true;

    public override bool NeedsRegistry => true;

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        if (network.Registry is not { UpSince: { } up } registry || network.Now - up < Grace)
            yield break;
        Dictionary<NodePrefix, RegisteredNode> known = registry.Nodes.ToDictionary(static node => node.Prefix);
        foreach (NodeView node in network.Nodes.Where(static node => !node.Prefix.IsEmpty))
        {
            if (network.IsRevoked(node) || node.CertificateEnd <= registry.UtcNow)
                continue;   // shut out, or over: its prefix may be free
            if (!known.TryGetValue(node.Prefix, out RegisteredNode? registered))
                yield return Of(node.Name, $"it no longer knows prefix {node.Prefix}, which it gave to {node.Name}");
            else if (registered.Serial < node.Serial)
                yield return Of(node.Name, $"it no longer knows certificate {node.Serial}, which it gave to {node.Name}; it has {registered.Serial}");
        }

        foreach ((ulong serial, RevokedCertificate entry) in registry.Revocations)
            _revoked[serial] = entry;
        foreach ((ulong serial, RevokedCertificate entry) in _revoked.ToArray())
        {
            if (registry.Revocations.ContainsKey(serial))
                continue;
            _revoked.Remove(serial);
            if (entry.NotAfter > registry.UtcNow)
                yield return Of(null, $"it no longer knows that certificate {serial} is revoked");
        }

        foreach ((string secret, Token token) in registry.Tokens)
        {
            if (_usesLeft.TryGetValue((secret, token.Expires), out int before) && token.UsesLeft > before)
                yield return Of(null, $"a token has {token.UsesLeft} uses left, and had {before} before");
            _usesLeft[(secret, token.Expires)] = token.UsesLeft;
        }

        if (registry.Published < _published)
            yield return Of(null, $"it has published version {registry.Published} after {_published}");
        if (registry.LastSerial < _lastSerial)
            yield return Of(null, $"its last serial number is {registry.LastSerial}, and was {_lastSerial} before");
        if (registry.RotationSteps is { } steps && steps < _steps)
            yield return Of(null, $"it remembers {steps} changes of the routing keys, and there were {_steps} before");
        (_published, _lastSerial, _steps) = (registry.Published, registry.LastSerial, registry.RotationSteps ?? _steps);
    }

    private static Breach Of(string? node, string details) => new(node is null ? ["registry"] : ["registry", node], details);
}
