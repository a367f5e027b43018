using Mesh.Actors;
using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Underlay;

/// <summary>How far apart two places are: one-way delay, the same in both directions. Models keep no state.</summary>
public abstract class LatencyModel
{
    /// <summary>One-way delay between two places in milliseconds.</summary>
    public abstract double Milliseconds(Place one, Place other);

    /// <summary>A place for somebody who has not chosen one.</summary>
    /// <param name="random">Where the choice comes from.</param>
    /// <param name="diameter">Side of the square of those models that have one, in milliseconds of one-way delay.</param>
    public abstract Place Draw(DeterministicRandom random, double diameter);

    /// <summary>Where a place is on a map, from left to right and from below to above; null where places have no coordinates.</summary>
    public virtual (double X, double Y)? OnMap(Place place) => (place.X, place.Y);

    /// <summary>How many places there are, of which nobody takes one that is taken while others are free; null: without number.</summary>
    public virtual int? Places => null;
}

/// <summary>A plane whose axes are in milliseconds: sites stand at random in a square.</summary>
public sealed class PlaneLatency : LatencyModel
{
    private PlaneLatency()
    {
    }

    /// <summary>The model.</summary>
    public static PlaneLatency Instance { get; } = new();

    /// <inheritdoc/>
    public override double Milliseconds(Place one, Place other) => Math.Sqrt(((one.X - other.X) * (one.X - other.X)) + ((one.Y - other.Y) * (one.Y - other.Y)));

    /// <inheritdoc/>
    public override Place Draw(DeterministicRandom random, double diameter)
    {
        ArgumentNullException.ThrowIfNull(random);
        return new(random.NextDouble() * diameter, random.NextDouble() * diameter);
    }
}

/// <summary>Measured round-trip times: a place is a row of the matrix. Half of the round trip is one way; where it was not measured, the mean of those that were is taken.</summary>
public sealed class MatrixLatency : LatencyModel
{
    private readonly Latencies _matrix;
    private readonly double _mean;

    /// <summary>Makes the model of a matrix.</summary>
    public MatrixLatency(Latencies matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        (_matrix, _mean) = (matrix, matrix.DirectMean());
    }

    /// <inheritdoc/>
    public override int? Places => _matrix.Nodes;

    /// <inheritdoc/>
    public override (double X, double Y)? OnMap(Place place) => null;

    /// <summary>The place of a row, counted from 0.</summary>
    public static Place Row(int row) => new(row, 0);

    /// <inheritdoc/>
    public override double Milliseconds(Place one, Place other)
    {
        if (one == other)
            return 0;
        int roundTrip = _matrix.Microseconds((int)one.X, (int)other.X);
        return (roundTrip > 0 ? roundTrip : _mean) / 2000;
    }

    /// <inheritdoc/>
    public override Place Draw(DeterministicRandom random, double diameter)
    {
        ArgumentNullException.ThrowIfNull(random);
        return Row(random.Next(_matrix.Nodes));
    }
}
