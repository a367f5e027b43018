using System.Collections.Immutable;
using System.Diagnostics;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Events;
using Mesh.Registry.Prefixes;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry;

/// <summary>A token that is left.</summary>
/// <param name="Email">For whom; may be empty.</param>
/// <param name="PrefixLength">Length in bits of the prefix that it gives.</param>
/// <param name="UsesLeft">How many certificates it still gives, from 1.</param>
/// <param name="Expires">When it stops to be good.</param>
/// <param name="Note">The administrator's words, or null.</param>
public sealed record Token(string Email, int PrefixLength, int UsesLeft, DateTimeOffset Expires, string? Note);

/// <summary>A node's present certificate.</summary>
/// <param name="Prefix">The node.</param>
/// <param name="Email">Of its owner, or null.</param>
/// <param name="Pem">The certificate, as it is given out.</param>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="SubjectSerial">Number of the node in its subject; -1 where it has none, in certificates of old registries of re6st.</param>
/// <param name="NotAfter">End of the certificate's validity.</param>
public sealed record RegisteredNode(NodePrefix Prefix, string? Email, string Pem, ulong Serial, int SubjectSerial, DateTimeOffset NotAfter)
{
    /// <summary>True where the node was shut out: the registry does not answer it, and keeps the prefix from others until the certificate would have expired.</summary>
    public bool IsExcluded { get; init; }
}

/// <summary>A token that gave its last certificate. It gives that certificate again, and nothing else: the first answer may have been lost.</summary>
/// <param name="Prefix">The node that it gave last.</param>
/// <param name="Expires">When it would have stopped to be good.</param>
internal sealed record SpentToken(NodePrefix Prefix, DateTimeOffset Expires);

/// <summary>What the registry knows: the sum of its events. Reservations that no event describes yet only touch the tree and the serials.</summary>
internal sealed class RegistryState(NetworkPrefix network)
{
    private readonly SortedDictionary<string, Token> _tokens = new(StringComparer.Ordinal);
    private readonly SortedDictionary<NodePrefix, RegisteredNode> _certificates = [];
    private readonly SortedDictionary<string, SpentToken> _spentTokens = new(StringComparer.Ordinal);

    /// <summary>Who has which part of the network.</summary>
    public PrefixTree Tree { get; } = new(network);

    /// <summary>Numbers of the nodes.</summary>
    public SubjectSerials SubjectSerials { get; } = new();

    /// <summary>The tokens that are left, by secret.</summary>
    public IReadOnlyDictionary<string, Token> Tokens => _tokens;

    /// <summary>The tokens that gave their last certificate and have not expired, by secret.</summary>
    public IReadOnlyDictionary<string, SpentToken> SpentTokens => _spentTokens;

    /// <summary>The present certificates, by prefix.</summary>
    public IReadOnlyDictionary<NodePrefix, RegisteredNode> Certificates => _certificates;

    /// <summary>The last X.509 serial number that was given.</summary>
    public ulong LastSerial { get; private set; }

    /// <summary>Prefix of the first node that joined: the one next to the registry. It never changes.</summary>
    public NodePrefix? RegistryPrefix { get; private set; }

    /// <summary>What an old journal holds and other actors have to take over, or null.</summary>
    public LegacyState? Legacy { get; private set; }

    /// <summary>Entries of all kinds: what a snapshot costs.</summary>
    public int Count => _certificates.Count + _tokens.Count + _spentTokens.Count;

    /// <summary>The certificate of a node, or null.</summary>
    public RegisteredNode? CertificateOf(NodePrefix prefix) => _certificates.GetValueOrDefault(prefix);

    /// <summary>The certificate of a node that was not shut out, or null.</summary>
    public RegisteredNode? TrustedCertificateOf(NodePrefix prefix) => CertificateOf(prefix) is { IsExcluded: false } certificate ? certificate : null;

    /// <summary>The others have taken it over.</summary>
    public void ForgetLegacy() => Legacy = null;

    /// <summary>Changes the state by an event.</summary>
    public void Apply(RegistryEvent happened)
    {
        switch (happened)
        {
            case TokenAdded e:
                _ = _spentTokens.Remove(e.Token);
                _tokens[e.Token] = new Token(e.Email, e.PrefixLength, e.Uses, e.Expires, e.Note);
                break;
            case TokenDeleted e:
                _ = _tokens.Remove(e.Token);
                break;
            case CertificateIssued e:
                Spend(e);
                Add(new RegisteredNode(NodePrefix.ParseBits(e.Prefix), e.Email, e.Pem, e.Serial, e.SubjectSerial, e.NotAfter));
                break;
            case CertificateRenewed e:
                NodePrefix prefix = NodePrefix.ParseBits(e.Prefix);
                _certificates[prefix] = _certificates[prefix] with { Pem = e.Pem, Serial = e.Serial, NotAfter = e.NotAfter };
                LastSerial = Math.Max(LastSerial, e.Serial);
                break;
            case NodeExcluded e:
                NodePrefix excluded = NodePrefix.ParseBits(e.Prefix);
                _certificates[excluded] = _certificates[excluded] with { IsExcluded = true };
                break;
            case NetworkImported e:
                Fill(e.Tokens, e.Certificates, e.LastSerial, e.RegistryPrefix);
                break;
            case NodeFreed e:
                Free(NodePrefix.ParseBits(e.Prefix));
                break;
            case Cleaned e:
                Clean(e);
                break;
            case CertificateRevoked or ParametersPublished or BabelKeysChanged:
                Legacy = (Legacy ?? LegacyState.Empty).With(happened);
                if (happened is CertificateRevoked { FreedPrefix: { } bits })
                    Free(NodePrefix.ParseBits(bits));
                break;
            default:
                throw new UnreachableException($"an event {happened.GetType().Name} that nothing applies");
        }
    }

    /// <summary>The state for a snapshot.</summary>
    public RegistrySnapshot ToSnapshot() => new(
        [.. _tokens.Select(static t => new TokenEntry(t.Key, t.Value.Email, t.Value.PrefixLength, t.Value.UsesLeft, t.Value.Expires, t.Value.Note))],
        [.. _certificates.Values.Select(static c => new CertificateEntry(c.Prefix.Bits, c.Email, c.Pem, c.Serial, c.SubjectSerial, c.NotAfter, c.IsExcluded))],
        [.. _spentTokens.Select(static t => new SpentTokenEntry(t.Key, t.Value.Prefix.Bits, t.Value.Expires))],
        LastSerial,
        RegistryPrefix?.Bits);

    /// <summary>Fills an empty state from a snapshot.</summary>
    public void Restore(RegistrySnapshot snapshot)
    {
        Fill(snapshot.Tokens, snapshot.Certificates, snapshot.LastSerial, snapshot.RegistryPrefix);
        foreach (SpentTokenEntry token in snapshot.SpentTokens)
            _spentTokens[token.Token] = new SpentToken(NodePrefix.ParseBits(token.Prefix), token.Expires);
        if (snapshot.Legacy is not { } legacy)
            return;
        Legacy = new LegacyState(
            legacy.Revoked.ToImmutableSortedDictionary(static r => r.Serial, static r => new RevokedCertificate(r.NotAfter, RevocationKind.Renewable)),
            [.. legacy.Version ?? [0]],
            legacy.Content,
            BabelKeys.FromStored(legacy.BabelKeys));
    }

    private void Fill(IEnumerable<TokenEntry> tokens, IEnumerable<CertificateEntry> certificates, ulong lastSerial, string? registryPrefix)
    {
        foreach (TokenEntry token in tokens)
            _tokens[token.Token] = new Token(token.Email, token.PrefixLength, token.UsesLeft, token.Expires, token.Note);
        // The registry's own prefix is stated, so that its certificate is not mistaken for the first one by order.
        RegistryPrefix = registryPrefix is { } bits ? NodePrefix.ParseBits(bits) : null;
        foreach (CertificateEntry c in certificates)
            Add(new RegisteredNode(NodePrefix.ParseBits(c.Prefix), c.Email, c.Pem, c.Serial, c.SubjectSerial, c.NotAfter) { IsExcluded = c.IsExcluded });
        LastSerial = lastSerial;
    }

    private void Spend(CertificateIssued issued)
    {
        if (issued.Token is not { } token || !_tokens.TryGetValue(token, out Token? found))
            return;
        if (found.UsesLeft > 1)
        {
            _tokens[token] = found with { UsesLeft = found.UsesLeft - 1 };
            return;
        }

        _ = _tokens.Remove(token);
        _spentTokens[token] = new SpentToken(NodePrefix.ParseBits(issued.Prefix), found.Expires);
    }

    // Prefix and number are taken already when this process reserved them, and not yet when events are read back.
    private void Add(RegisteredNode certificate)
    {
        if (!Tree.IsAllocated(certificate.Prefix) && !TryTake(certificate.Prefix))
            throw new InvalidOperationException($"Prefix {certificate.Prefix} overlaps with another one.");
        if (certificate.SubjectSerial >= 0)
            _ = SubjectSerials.Take(certificate.SubjectSerial);
        _certificates.Add(certificate.Prefix, certificate);
        LastSerial = Math.Max(LastSerial, certificate.Serial);
        RegistryPrefix ??= certificate.Prefix;
    }

    // No event says when free siblings were merged: at a start, or when somebody needed the whole of them.
    private bool TryTake(NodePrefix prefix)
    {
        if (Tree.TryTake(prefix))
            return true;
        Tree.Merge();
        return Tree.TryTake(prefix);
    }

    private void Clean(Cleaned cleaned)
    {
        foreach (string token in cleaned.Tokens)
        {
            _ = _tokens.Remove(token);
            _ = _spentTokens.Remove(token);
        }

        foreach (string bits in cleaned.Prefixes)
            Free(NodePrefix.ParseBits(bits));
        Tree.Merge();
    }

    private void Free(NodePrefix prefix)
    {
        if (!_certificates.Remove(prefix, out RegisteredNode? certificate))
            return;
        Tree.Release(prefix);
        if (certificate.SubjectSerial >= 0)
            SubjectSerials.Release(certificate.SubjectSerial);
    }
}
