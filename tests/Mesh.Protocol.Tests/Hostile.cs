namespace Mesh.Protocol.Tests;

/// <summary>Ways to spoil octets. What a decoder does with them is up to the caller; it must not throw.</summary>
internal static class Hostile
{
    /// <summary>All proper beginnings of <paramref name="input"/>.</summary>
    public static IEnumerable<byte[]> Truncations(byte[] input)
    {
        for (int length = 0; length < input.Length; length++)
            yield return input[..length];
    }

    /// <summary>Copies of the inputs with octets changed, removed, inserted, doubled or cut, from a seed.</summary>
    public static IEnumerable<byte[]> Mutations(int seed, int count, params byte[][] inputs)
    {
        var random = new Random(seed);
        for (int round = 0; round < count; round++)
        {
            var octets = inputs[random.Next(inputs.Length)].ToList();
            for (int change = random.Next(1, 6); change > 0 && octets.Count > 0; change--)
            {
                int position = random.Next(octets.Count);
                switch (random.Next(6))
                {
                    case 0: octets[position] = (byte)random.Next(256); break;
                    case 1: octets[position] ^= (byte)(1 << random.Next(8)); break;
                    case 2: octets.RemoveAt(position); break;
                    case 3: octets.Insert(position, random.Next(2) == 0 ? byte.MaxValue : (byte)0); break;
                    case 4: octets.InsertRange(position, octets.GetRange(position, Math.Min(random.Next(1, 9), octets.Count - position))); break;
                    default: octets.RemoveRange(position, octets.Count - position); break;
                }
            }
            yield return [.. octets];
        }
    }
}
