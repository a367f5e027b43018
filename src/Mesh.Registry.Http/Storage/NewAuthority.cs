using Mesh.Security.Keys;

namespace Mesh.Registry.Http.Storage;

/// <summary>What the operator decides about a new network's certificate authority.</summary>
public sealed record NewAuthority
{
    /// <summary>Name of the network for people, 1..64 characters.</summary>
    public required string CommonName { get; init; }

    /// <summary>Sender of the registry's mails, ASCII with an @.</summary>
    public required string EmailAddress { get; init; }

    /// <summary>Bits of the key, and so of every key of the network: 2048, 3072 or 4096. Default 2048.</summary>
    public int KeySize { get; init; } = PrivateKey.DefaultSize;

    /// <summary>Validity of the authority's certificate; 1..100 years, default 20 years of 365 days.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(20 * 365);

    /// <summary>Text of <c>registry.conf</c>.</summary>
    public string Configuration { get; init; } = "";

    /// <summary>Every value that breaks its rule, one sentence each.</summary>
    public IEnumerable<string> Validate()
    {
        if (CommonName.Length is 0 or > 64 || CommonName.Any(char.IsControl))
            yield return $"the name of the network has {CommonName.Length} characters; it has to have 1 to 64, and no control characters";
        if (EmailAddress.Length is < 3 or > 255 || !EmailAddress.All(char.IsAscii) || EmailAddress.Any(char.IsControl) || !EmailAddress.Contains('@', StringComparison.Ordinal))
            yield return $"'{EmailAddress}' is not an e-mail address";
        if (KeySize is not (2048 or 3072 or 4096))
            yield return $"the key has {KeySize} bits; it has to have 2048, 3072 or 4096";
        if (Lifetime < TimeSpan.FromDays(365) || Lifetime > TimeSpan.FromDays(36_600))
            yield return $"the certificate is valid for {Lifetime.TotalDays:0.#} days; it has to be 365 to 36600";
    }
}
