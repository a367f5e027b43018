using System.Net;
using System.Net.Sockets;

namespace Mesh.Registry.Http;

/// <summary>A bucket of requests for each address (IPv6: each /64, which is what one customer has), filled at a steady rate.</summary>
/// <remarks>Holds a bounded number of addresses. When there are more, those that are not known share one bucket: an attacker with many
/// addresses then slows strangers down, but not those who were there before.</remarks>
public sealed class AddressRateLimit(double rate, int burst, TimeProvider clock, int maxAddresses = 10_000)
{
    // Looking through all addresses for each request of a stranger would be what the limit is there against.
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<IPAddress, Bucket> _buckets = [];
    private readonly Lock _lock = new();
    private Bucket _shared = new(burst, clock.GetTimestamp());
    private long? _sweptAt;

    /// <summary>How many requests were refused.</summary>
    public long RefusedCount { get; private set; }

    /// <summary>Takes one request out of the address's bucket.</summary>
    /// <param name="address">The client.</param>
    /// <param name="retryAfter">When there will be room, where there is none; whole seconds, at least 1.</param>
    /// <returns>False where the bucket is empty.</returns>
    public bool TryTake(IPAddress address, out TimeSpan retryAfter)
    {
        IPAddress key = KeyOf(address);
        long now = clock.GetTimestamp();
        lock (_lock)
        {
            bool isKnown = _buckets.TryGetValue(key, out Bucket bucket);
            if (!isKnown)
            {
                if (_buckets.Count >= maxAddresses && !(_sweptAt is { } before && clock.GetElapsedTime(before, now) < SweepInterval))
                    ForgetFull(now);
                bool hasRoom = _buckets.Count < maxAddresses;
                bucket = hasRoom ? new Bucket(burst, now) : _shared;
                isKnown = hasRoom;
            }

            bucket = Filled(bucket, now);
            bool isTaken = bucket.Content >= 1;
            if (isTaken)
                bucket = bucket with { Content = bucket.Content - 1 };
            else
                RefusedCount++;
            if (isKnown)
                _buckets[key] = bucket;
            else
                _shared = bucket;
            retryAfter = isTaken ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Max(1, Math.Ceiling((1 - bucket.Content) / rate)));
            return isTaken;
        }
    }

    private static IPAddress KeyOf(IPAddress address)
    {
        IPAddress plain = Calls.Origins.Plain(address);
        if (plain.AddressFamily != AddressFamily.InterNetworkV6)
            return plain;
        byte[] octets = plain.GetAddressBytes();
        octets.AsSpan(8).Clear();
        return new IPAddress(octets);
    }

    private Bucket Filled(Bucket bucket, long now) =>
        new(Math.Min(burst, bucket.Content + (clock.GetElapsedTime(bucket.Since, now).TotalSeconds * rate)), now);

    private void ForgetFull(long now)
    {
        _sweptAt = now;
        foreach ((IPAddress address, Bucket bucket) in _buckets)
        {
            if (Filled(bucket, now).Content >= burst)
                _ = _buckets.Remove(address);
        }
    }

    private readonly record struct Bucket(double Content, long Since);
}
