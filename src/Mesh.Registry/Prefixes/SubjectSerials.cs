namespace Mesh.Registry.Prefixes;

/// <summary>Small numbers for nodes, from which their IPv4 subnets come: each the smallest that no present certificate has.</summary>
public sealed class SubjectSerials
{
    private readonly HashSet<int> _used = [];
    private int _lowest;   // everything below is used

    /// <summary>Takes the smallest number that is not used.</summary>
    public int TakeLowest()
    {
        while (!_used.Add(_lowest))
            _lowest++;
        return _lowest++;
    }

    /// <summary>Takes a number, when state is read back.</summary>
    /// <returns>False when it is used already.</returns>
    public bool Take(int serial) => _used.Add(serial);

    /// <summary>Gives a number back.</summary>
    public void Release(int serial)
    {
        if (_used.Remove(serial) && serial < _lowest)
            _lowest = serial;
    }
}
