using System.Collections.Immutable;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Http.Re6st;

/// <summary>What a registry of re6st has in its database, read and checked by <see cref="Re6stRegistryReader"/>. Nothing is left out because of its age: what has expired is for the one who takes it over.</summary>
public sealed record Re6stRegistry
{
    /// <summary>The network that the authority states.</summary>
    public required NetworkPrefix Network { get; init; }

    /// <summary>Tokens that nobody has used, in the order of their secrets.</summary>
    public required ImmutableArray<Re6stToken> Tokens { get; init; }

    /// <summary>Nodes that have a certificate, expired or not, in the order of their prefixes, which do not overlap.</summary>
    public required ImmutableArray<Re6stNode> Nodes { get; init; }

    /// <summary>Prefixes that nobody may have, since they are anycast addresses; in order.</summary>
    public required ImmutableArray<NodePrefix> Reserved { get; init; }

    /// <summary>The revocation list in the order of serial numbers. Registries of re6st never forget one, however old.</summary>
    public required ImmutableArray<Re6stRevocation> Revoked { get; init; }

    /// <summary>The last X.509 serial number that was given, at least that of every certificate and revocation; 0 before the first.</summary>
    public required ulong LastSerial { get; init; }

    /// <summary>Prefix of the node next to the registry, which is one of <see cref="Nodes"/>; null before the first node.</summary>
    public required NodePrefix? RegistryPrefix { get; init; }

    /// <summary>Version of the parameters, signed by the authority; <see cref="NetworkVersion.Initial"/> before the first.</summary>
    public required NetworkVersion Version { get; init; }

    /// <summary>The parameters as JSON when they were published last, without version, keys and their validity; null before the first version.</summary>
    public required string? LastConfig { get; init; }

    /// <summary>The three slots of keys for routing messages (protocol reference 3.8): absent (null), empty, or 16 octets.</summary>
    public required ImmutableArray<byte[]?> BabelKeys { get; init; }

    /// <summary>In which step of their rotation the keys are.</summary>
    public required RotationState KeyState { get; init; }

    /// <summary>When the present step of the rotation should be over, or null outside of rotations.</summary>
    public required DateTimeOffset? ValidUntil { get; init; }

    /// <summary>What was passed over because it means nothing, one sentence each.</summary>
    public required ImmutableArray<string> Notes { get; init; }

    /// <summary>What would be taken over.</summary>
    /// <param name="now">The present: what expired before is counted apart.</param>
    /// <param name="gracePeriod">How long a token is good since its date, and a prefix is kept after its certificate.</param>
    public Re6stSummary Summarize(DateTimeOffset now, TimeSpan gracePeriod) => new(
        Nodes.Length,
        Nodes.Count(static node => node.Email is null),
        Nodes.Count(node => node.NotAfter <= now),
        Nodes.Count(node => node.NotAfter <= now - gracePeriod && node.Prefix != RegistryPrefix),
        Tokens.Length,
        Tokens.Count(token => token.Created <= now - gracePeriod),
        Revoked.Length,
        Revoked.Count(revocation => revocation.NotAfter <= now),
        Reserved.Length,
        LastSerial,
        Version.Number,
        KeyState);
}

/// <summary>A token of a registry of re6st; it gives one certificate.</summary>
/// <param name="Token">The secret, 1..256 characters.</param>
/// <param name="Email">For whom; may be empty.</param>
/// <param name="PrefixLength">Length in bits of the prefix that it gives.</param>
/// <param name="Created">When it was made; it is good for the grace period from then on.</param>
public sealed record Re6stToken(string Token, string Email, int PrefixLength, DateTimeOffset Created)
{
    /// <summary>Without the secret.</summary>
    public override string ToString() => $"token for {Email}";
}

/// <summary>A node of a registry of re6st.</summary>
/// <param name="Prefix">Its prefix.</param>
/// <param name="Email">Of its owner, or null for an anonymous node.</param>
/// <param name="Pem">The certificate, octet for octet as it was given out: nodes compare it.</param>
/// <param name="Serial">X.509 serial number, which no other node has.</param>
/// <param name="SubjectSerial">Number of the node in its subject, which no other node has; null in certificates from before there were such numbers.</param>
/// <param name="NotBefore">Begin of the certificate's validity.</param>
/// <param name="NotAfter">End of the certificate's validity.</param>
public sealed record Re6stNode(NodePrefix Prefix, string? Email, string Pem, ulong Serial, uint? SubjectSerial, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

/// <summary>A revoked certificate of a registry of re6st.</summary>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="NotAfter">End of its validity.</param>
public sealed record Re6stRevocation(ulong Serial, DateTimeOffset NotAfter);

/// <summary>What would be taken over from a registry of re6st.</summary>
/// <param name="Nodes">Nodes that have a certificate.</param>
/// <param name="AnonymousNodes">Those of them that joined without token.</param>
/// <param name="ExpiredNodes">Those of them whose certificate has expired.</param>
/// <param name="FreeableNodes">Those of them whose grace period is over, too: the next cleaning frees their prefix.</param>
/// <param name="Tokens">Tokens.</param>
/// <param name="ExpiredTokens">Those of them that are too old to be good.</param>
/// <param name="Revocations">Revoked serial numbers.</param>
/// <param name="ExpiredRevocations">Those of them whose certificate has expired anyway.</param>
/// <param name="Reserved">Prefixes that nobody may have.</param>
/// <param name="LastSerial">The last X.509 serial number.</param>
/// <param name="Version">Number of the parameters' version.</param>
/// <param name="KeyState">Where the rotation of keys is.</param>
public sealed record Re6stSummary(
    int Nodes, int AnonymousNodes, int ExpiredNodes, int FreeableNodes, int Tokens, int ExpiredTokens, int Revocations, int ExpiredRevocations, int Reserved, ulong LastSerial, ulong Version, RotationState KeyState)
{
    /// <summary>For an operator, one thing a line.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"{Nodes} nodes ({AnonymousNodes} anonymous; {ExpiredNodes} with an expired certificate, {FreeableNodes} of them beyond the grace period)";
        yield return $"{Tokens} tokens ({ExpiredTokens} expired)";
        yield return $"{Revocations} revoked serial numbers ({ExpiredRevocations} of certificates that have expired anyway)";
        yield return $"{Reserved} reserved prefixes";
        yield return $"last serial number {LastSerial}, version {Version} of the parameters, routing keys in state {KeyState.ToString().ToLowerInvariant()}";
    }
}

/// <summary>The database of a registry of re6st cannot be taken over.</summary>
/// <param name="problems">Why: every reason there is, one sentence each, with table and row.</param>
/// <param name="inner">The cause, or null.</param>
public sealed class Re6stImportException(IReadOnlyList<string> problems, Exception? inner = null) : Exception(string.Join('\n', problems), inner)
{
    /// <summary>Every reason, one sentence each.</summary>
    public IReadOnlyList<string> Problems => problems;
}
