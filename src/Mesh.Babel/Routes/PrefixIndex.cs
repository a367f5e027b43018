namespace Mesh.Babel.Routes;

/// <summary>Finds rows of ordinary routes by their prefix. The prefixes stand in the rows alone, and rows with the same hash are chained there: 4 to 8 octets for each row.</summary>
internal sealed class PrefixIndex(Pool<RouteRow> rows)
{
    private const int MinBuckets = 4;   // a power of two
    private int[] _buckets = NewBuckets(MinBuckets);
    private int _count;

    /// <summary>The row of a prefix, or -1.</summary>
    public int Find(in BabelPrefix prefix)
    {
        int row = _buckets[BucketOf(prefix)];
        while (row >= 0 && !rows[row].IsTo(prefix))
            row = rows[row].NextOfHash;
        return row;
    }

    /// <summary>Adds a row, the prefix of which must not be there yet.</summary>
    public void Add(int row)
    {
        if (_count == _buckets.Length)
            Grow();
        Link(row);
        _count++;
    }

    /// <summary>Removes a row, which must be there.</summary>
    public void Remove(int row)
    {
        ref int link = ref _buckets[BucketOf(rows[row].Prefix)];
        while (link != row)
            link = ref rows[link].NextOfHash;
        link = rows[row].NextOfHash;
        _count--;
    }

    private static int[] NewBuckets(int count)
    {
        int[] buckets = new int[count];
        Array.Fill(buckets, -1);
        return buckets;
    }

    private int BucketOf(in BabelPrefix prefix) => prefix.GetHashCode() & (_buckets.Length - 1);

    private void Link(int row)
    {
        ref int bucket = ref _buckets[BucketOf(rows[row].Prefix)];
        rows[row].NextOfHash = bucket;
        bucket = row;
    }

    private void Grow()
    {
        int[] former = _buckets;
        _buckets = NewBuckets(former.Length * 2);
        foreach (int first in former)
        {
            for (int row = first; row >= 0;)
            {
                int next = rows[row].NextOfHash;
                Link(row);
                row = next;
            }
        }
    }
}
