using System.Collections.Immutable;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry;

/// <summary>What the <see cref="RegistryActor"/> can be asked. Each is answered with one <see cref="RegistryAnswer"/>.</summary>
public abstract record RegistryCommand
{
    private protected RegistryCommand()
    {
    }
}

/// <summary>Allow somebody to join. Answer: <see cref="TokenAccepted"/>, <see cref="TokenExists"/>, <see cref="RegistrationDisabled"/> or <see cref="Refused"/>.</summary>
/// <param name="Email">For whom; may be empty.</param>
/// <param name="Token">The secret, 1..256 characters; null has one drawn, 8 lower-case letters.</param>
public sealed record AddToken(string Email, string? Token) : RegistryCommand
{
    /// <summary>Length in bits of the prefix that it gives; null for the registry's setting.</summary>
    public int? PrefixLength { get; init; }

    /// <summary>How many certificates it gives, 1..1000000.</summary>
    public int Uses { get; init; } = 1;

    /// <summary>How long it is good; null for the grace period.</summary>
    public TimeSpan? Lifetime { get; init; }

    /// <summary>The administrator's words, up to 256 characters.</summary>
    public string? Note { get; init; }
}

/// <summary>Take a token back, if it exists. Answer: <see cref="Done"/>.</summary>
public sealed record DeleteToken(string Token) : RegistryCommand;

/// <summary>Does a token exist? Answer: <see cref="TokenKnown"/>.</summary>
public sealed record IsToken(string Token) : RegistryCommand;

/// <summary>List the tokens. Answer: <see cref="TokenList"/>.</summary>
public sealed record ListTokens : RegistryCommand;

/// <summary>List the nodes. Answer: <see cref="NodeList"/>.</summary>
public sealed record ListNodes : RegistryCommand;

/// <summary>Join. Asking again with a spent token and the same key gives the same certificate: the first answer may have been lost. Answer: <see cref="CertificateGiven"/>, <see cref="UnknownToken"/>, <see cref="RegistrationDisabled"/>, <see cref="Refused"/>,
/// <see cref="NetworkFull"/> or <see cref="Overloaded"/>.</summary>
/// <param name="Token">The secret; empty for an anonymous node.</param>
/// <param name="RequestPem">The certificate signing request.</param>
/// <param name="Location"><c>COUNTRY,CONTINENT</c> or empty: what chooses a community, where the registry has a country database.</param>
/// <param name="Ip">Where the node is, or empty: what chooses a community where <paramref name="Location"/> does not.</param>
public sealed record RequestCertificate(string Token, string RequestPem, string Location = "", string Ip = "") : RegistryCommand;

/// <summary>Stay. Answer: <see cref="CertificateGiven"/> (the present one where nothing is to do), <see cref="NoCertificate"/> or <see cref="Overloaded"/>.</summary>
public sealed record RenewCertificate(NodePrefix Prefix) : RegistryCommand;

/// <summary>Do not trust a certificate any more. Answer: <see cref="Done"/>, <see cref="NoCertificate"/> or <see cref="Refused"/>.</summary>
/// <param name="CommonNameOrSerial">
/// <c>INT/LEN</c>: the node is shut out, and its prefix is free at once. A decimal X.509 serial number: the node is shut out, and its prefix is kept from others until
/// its certificate would have expired.
/// </param>
public sealed record Revoke(string CommonNameOrSerial) : RegistryCommand
{
    /// <summary>True, with a serial number: the node is not shut out but made to renew, as registries of re6st do. Who stole its key can do the same.</summary>
    public bool IsRenewable { get; init; }
}

/// <summary>A node's certificate. Answer: <see cref="CertificateFound"/> or <see cref="NoCertificate"/>.</summary>
public sealed record GetCertificate(NodePrefix Prefix) : RegistryCommand;

/// <summary>Which node is somebody's? Answer: <see cref="NodeFound"/>.</summary>
public sealed record FindNode(string Email) : RegistryCommand;

/// <summary>Is there a network? Answer: <see cref="NetworkKnown"/>, at once or, before that is known, when it is.</summary>
public sealed record GetNetwork : RegistryCommand;

/// <summary>Numbers for monitoring. Answer: <see cref="RegistryStatistics"/>.</summary>
public sealed record GetStatistics : RegistryCommand;

/// <summary>What the <see cref="RegistryActor"/> answers.</summary>
public abstract record RegistryAnswer
{
    private protected RegistryAnswer()
    {
    }
}

/// <summary>It is done.</summary>
public sealed record Done : RegistryAnswer;

/// <summary>The token is stored.</summary>
/// <param name="Token">The secret.</param>
/// <param name="Expires">When it stops to be good.</param>
public sealed record TokenAccepted(string Token, DateTimeOffset Expires) : RegistryAnswer;

/// <summary>There is a token with that secret already.</summary>
public sealed record TokenExists : RegistryAnswer;

/// <summary>Whether the token exists.</summary>
public sealed record TokenKnown(bool IsKnown) : RegistryAnswer;

/// <summary>The tokens by secret.</summary>
public sealed record TokenList(ImmutableSortedDictionary<string, Token> Tokens) : RegistryAnswer;

/// <summary>The nodes in the order of their prefixes.</summary>
public sealed record NodeList(ImmutableArray<RegisteredNode> Nodes) : RegistryAnswer;

/// <summary>No such token, or it is spent or expired.</summary>
public sealed record UnknownToken : RegistryAnswer;

/// <summary>The registry's settings do not let nodes join in this way.</summary>
public sealed record RegistrationDisabled : RegistryAnswer;

/// <summary>What was asked breaks a rule.</summary>
/// <param name="IsMalformed">True where it cannot even be read.</param>
/// <param name="Reason">A sentence for a person.</param>
public sealed record Refused(bool IsMalformed, string Reason) : RegistryAnswer;

/// <summary>No prefix of that length is free.</summary>
public sealed record NetworkFull : RegistryAnswer;

/// <summary>A certificate that is durable in the journal.</summary>
public sealed record CertificateGiven(NodePrefix Prefix, string Pem) : RegistryAnswer;

/// <summary>A node's certificate.</summary>
/// <param name="Prefix">The node.</param>
/// <param name="Pem">Its certificate.</param>
/// <param name="RegistryPrefix">The node next to the registry.</param>
public sealed record CertificateFound(NodePrefix Prefix, string Pem, NodePrefix RegistryPrefix) : RegistryAnswer;

/// <summary>There is no node with that prefix.</summary>
public sealed record NoCertificate(NodePrefix Prefix) : RegistryAnswer;

/// <summary>Whose node it is: the first one by prefix, or null where there is none.</summary>
public sealed record NodeFound(NodePrefix? Prefix) : RegistryAnswer;

/// <summary>Not now: too much is under way. Nothing was changed.</summary>
/// <param name="RetryAfter">When to try again; whole seconds.</param>
public sealed record Overloaded(TimeSpan RetryAfter) : RegistryAnswer;

/// <summary>It could not be carried out, by a fault of ours. Nothing was changed.</summary>
/// <param name="Reason">A sentence for the log; it is not for strangers.</param>
public sealed record Broken(string Reason) : RegistryAnswer;

/// <summary>Numbers for monitoring.</summary>
/// <param name="Certificates">Nodes that have one.</param>
/// <param name="Tokens">Tokens that are left.</param>
/// <param name="PendingSignatures">Signatures under way.</param>
/// <param name="LastSerial">The last X.509 serial number that was given.</param>
/// <param name="SequenceNr">Events in the journal.</param>
/// <param name="OverloadedCount">Commands that were refused as overload since the start.</param>
public sealed record RegistryStatistics(int Certificates, int Tokens, int PendingSignatures, ulong LastSerial, long SequenceNr, long OverloadedCount) : RegistryAnswer;

/// <summary>Published on the event stream: this prefix has no owner any more to whom the registry answers.</summary>
public sealed record PrefixFreed(NodePrefix Prefix);

/// <summary>What others need to know of the network. Published on the event stream once it has been read back, and when the first node joins.</summary>
/// <param name="HasNodes">False before the first node joined.</param>
/// <param name="RegistryPrefix">The node next to the registry, or null before the first node joined.</param>
public sealed record NetworkKnown(bool HasNodes, NodePrefix? RegistryPrefix);
