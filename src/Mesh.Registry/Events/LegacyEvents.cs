using System.Collections.Immutable;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Events;

/// <summary>In old journals: a certificate is not to be trusted any more. Now with the actor of the revocation list.</summary>
/// <param name="Serial">Its X.509 serial number.</param>
/// <param name="NotAfter">End of its validity.</param>
/// <param name="FreedPrefix">The prefix, as bits, where its owner lost it; null where the node may renew.</param>
public sealed record CertificateRevoked(ulong Serial, DateTimeOffset NotAfter, string? FreedPrefix) : RegistryEvent;

/// <summary>In old journals: the network has new parameters. Now with the actor of the parameters.</summary>
/// <param name="Version">The signed version, in the octets of the wire.</param>
/// <param name="Content">What the parameters were when they were signed.</param>
public sealed record ParametersPublished(byte[] Version, string Content) : RegistryEvent;

/// <summary>In old journals: the keys that authenticate routing messages changed. Now with the actor of their rotation.</summary>
/// <param name="Slots">See <see cref="BabelKeys.ToStored"/>.</param>
public sealed record BabelKeysChanged(IReadOnlyList<string?> Slots) : RegistryEvent;

/// <summary>What an old journal holds and others have to take over.</summary>
/// <param name="Revoked">The revocation list.</param>
/// <param name="Version">The signed version of the parameters, in the octets of the wire; that of an empty network before the first.</param>
/// <param name="Content">What was signed.</param>
/// <param name="Keys">The routing keys.</param>
internal sealed record LegacyState(ImmutableSortedDictionary<ulong, RevokedCertificate> Revoked, ImmutableArray<byte> Version, string? Content, BabelKeys Keys)
{
    public static LegacyState Empty { get; } = new(ImmutableSortedDictionary<ulong, RevokedCertificate>.Empty, [0], Content: null, BabelKeys.None);

    /// <summary>With what one more event says.</summary>
    public LegacyState With(RegistryEvent happened) => happened switch
    {
        CertificateRevoked e => this with { Revoked = Revoked.SetItem(e.Serial, new RevokedCertificate(e.NotAfter, e.FreedPrefix is null ? RevocationKind.Renewable : RevocationKind.Freed)) },
        ParametersPublished e => this with { Version = [.. e.Version], Content = e.Content },
        BabelKeysChanged e => this with { Keys = BabelKeys.FromStored(e.Slots) },
        _ => this,
    };
}
