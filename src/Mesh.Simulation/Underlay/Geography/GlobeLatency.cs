using Mesh.Actors;

namespace Mesh.Simulation.Underlay.Geography;

/// <summary>The Earth: a place is a latitude and a longitude in degrees, and delay is the great-circle distance at the speed of light in fibre, two thirds of that in vacuum, times the stretch of the
/// ways that cables and routes take.</summary>
/// <param name="stretch">How much longer than the great circle ways are, at least 1.</param>
public sealed class GlobeLatency(double stretch) : LatencyModel
{
    /// <summary>The usual stretch: it gives Paris and New York 88 ms of round trip, London and Singapore 163 ms.</summary>
    public const double DefaultStretch = 1.5;

    private const double EarthRadiusKilometres = 6371.0088;   // mean radius, IUGG
    private const double FibreKilometresPerMillisecond = 299.792458 * 2 / 3;

    /// <summary>The great-circle distance between two places, by the haversine formula.</summary>
    public static double Kilometres(Place one, Place other)
    {
        double latitude = Math.Sin(double.DegreesToRadians(other.X - one.X) / 2), longitude = Math.Sin(double.DegreesToRadians(other.Y - one.Y) / 2);
        double haversine = (latitude * latitude) + (Math.Cos(double.DegreesToRadians(one.X)) * Math.Cos(double.DegreesToRadians(other.X)) * longitude * longitude);
        return 2 * EarthRadiusKilometres * Math.Asin(Math.Min(1, Math.Sqrt(haversine)));
    }

    /// <inheritdoc/>
    public override double Milliseconds(Place one, Place other) => Kilometres(one, other) / FibreKilometresPerMillisecond * stretch;

    /// <summary>Longitude and latitude.</summary>
    public override (double X, double Y)? OnMap(Place place) => (place.Y, place.X);

    /// <summary>One of the <see cref="Cities"/>, each as likely as any other.</summary>
    public override Place Draw(DeterministicRandom random, double diameter)
    {
        ArgumentNullException.ThrowIfNull(random);
        return Cities.All[random.Next(Cities.All.Count)].Place;
    }
}
