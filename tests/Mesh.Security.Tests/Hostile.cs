namespace Mesh.Security.Tests;

/// <summary>Ways to spoil octets. What a decoder does with them is up to the caller; it must not throw.</summary>
internal static class Hostile
{
    /// <summary>All proper beginnings of <paramref name="input"/>.</summary>
    public static IEnumerable<byte[]> Truncations(byte[] input)
    {
        for (int length = 0; length < input.Length; length++)
            yield return input[..length];
    }

    /// <summary>Copies of the input with octets changed, removed or inserted, from a seed.</summary>
    public static IEnumerable<byte[]> Mutations(int seed, int count, byte[] input)
    {
        var random = new Random(seed);
        for (int round = 0; round < count; round++)
        {
            var octets = input.ToList();
            for (int change = random.Next(1, 4); change > 0 && octets.Count > 0; change--)
            {
                int position = random.Next(octets.Count);
                switch (random.Next(4))
                {
                    case 0: octets[position] = (byte)random.Next(256); break;
                    case 1: octets[position] ^= (byte)(1 << random.Next(8)); break;
                    case 2: octets.RemoveAt(position); break;
                    default: octets.Insert(position, (byte)random.Next(256)); break;
                }
            }
            yield return [.. octets];
        }
    }
}
