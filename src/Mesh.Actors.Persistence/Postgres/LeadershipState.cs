using System.Security.Cryptography;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>Who leads, as one process sees it.</summary>
public abstract record LeadershipState
{
    private protected LeadershipState()
    {
    }
}

/// <summary>This process leads.</summary>
/// <param name="Epoch">For <see cref="PostgresJournal.Open"/>. Each takeover makes it larger by one.</param>
/// <param name="Secret">What followers prove with that they belong to the same cluster. Of this epoch alone.</param>
public sealed record Leading(long Epoch, LeaderSecret Secret) : LeadershipState;

/// <summary>Another process leads.</summary>
/// <param name="Epoch">The leader's.</param>
/// <param name="Url">Where the leader can be reached.</param>
/// <param name="Secret">What to prove to it with that this process belongs to the same cluster.</param>
public sealed record Following(long Epoch, Uri Url, LeaderSecret Secret) : LeadershipState;

/// <summary>Nobody is known to lead, for the moment.</summary>
/// <param name="Reason">A clause for the log.</param>
public sealed record NoLeader(string Reason) : LeadershipState;

/// <summary>Random octets that whoever can read the database knows, and nobody else. Two are equal if their octets are; a text of one shows nothing.</summary>
public sealed class LeaderSecret : IEquatable<LeaderSecret>
{
    /// <summary>Octets of a secret.</summary>
    public const int Length = 32;

    private readonly byte[] _octets;

    /// <summary>A secret as it was read.</summary>
    /// <exception cref="ArgumentException">It does not have <see cref="Length"/> octets.</exception>
    public LeaderSecret(ReadOnlySpan<byte> octets)
    {
        if (octets.Length != Length)
            throw new ArgumentException($"a secret has {Length} octets, and this one {octets.Length}", nameof(octets));
        _octets = octets.ToArray();
    }

    /// <summary>The key itself.</summary>
    public ReadOnlySpan<byte> Octets => _octets;

    /// <summary>A new one.</summary>
    public static LeaderSecret Create() => new(RandomNumberGenerator.GetBytes(Length));

    /// <inheritdoc/>
    public bool Equals(LeaderSecret? other) => other is not null && CryptographicOperations.FixedTimeEquals(_octets, other._octets);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LeaderSecret);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_octets);

    /// <inheritdoc/>
    public override string ToString() => "(secret)";
}
