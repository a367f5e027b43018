namespace Mesh.Simulation.Underlay.Geography;

/// <summary>A large city.</summary>
/// <param name="Name">In English, without accents.</param>
/// <param name="Latitude">Degrees north.</param>
/// <param name="Longitude">Degrees east.</param>
public sealed record City(string Name, double Latitude, double Longitude)
{
    /// <summary>Where it is.</summary>
    public Place Place => new(Latitude, Longitude);
}

/// <summary>Cities that sites can stand in, to about a kilometre.</summary>
public static class Cities
{
    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<City> All { get; } =
    [
        new("Accra", 5.60, -0.19),
        new("Addis Ababa", 9.03, 38.74),
        new("Algiers", 36.75, 3.06),
        new("Amsterdam", 52.37, 4.90),
        new("Athens", 37.98, 23.73),
        new("Atlanta", 33.75, -84.39),
        new("Auckland", -36.85, 174.76),
        new("Baghdad", 33.31, 44.36),
        new("Bangalore", 12.97, 77.59),
        new("Bangkok", 13.76, 100.50),
        new("Barcelona", 41.39, 2.17),
        new("Beijing", 39.90, 116.41),
        new("Berlin", 52.52, 13.41),
        new("Bogota", 4.71, -74.07),
        new("Boston", 42.36, -71.06),
        new("Brussels", 50.85, 4.35),
        new("Bucharest", 44.43, 26.10),
        new("Budapest", 47.50, 19.04),
        new("Buenos Aires", -34.60, -58.38),
        new("Cairo", 30.04, 31.24),
        new("Cape Town", -33.92, 18.42),
        new("Caracas", 10.48, -66.90),
        new("Casablanca", 33.57, -7.59),
        new("Chicago", 41.88, -87.63),
        new("Copenhagen", 55.68, 12.57),
        new("Dakar", 14.72, -17.47),
        new("Dallas", 32.78, -96.80),
        new("Delhi", 28.61, 77.21),
        new("Denver", 39.74, -104.99),
        new("Dhaka", 23.81, 90.41),
        new("Dubai", 25.20, 55.27),
        new("Dublin", 53.35, -6.26),
        new("Frankfurt", 50.11, 8.68),
        new("Geneva", 46.20, 6.14),
        new("Hanoi", 21.03, 105.85),
        new("Helsinki", 60.17, 24.94),
        new("Hong Kong", 22.32, 114.17),
        new("Honolulu", 21.31, -157.86),
        new("Istanbul", 41.01, 28.98),
        new("Jakarta", -6.21, 106.85),
        new("Johannesburg", -26.20, 28.05),
        new("Karachi", 24.86, 67.00),
        new("Kinshasa", -4.44, 15.27),
        new("Kyiv", 50.45, 30.52),
        new("Lagos", 6.52, 3.38),
        new("Lima", -12.05, -77.04),
        new("Lisbon", 38.72, -9.14),
        new("London", 51.51, -0.13),
        new("Los Angeles", 34.05, -118.24),
        new("Lyon", 45.76, 4.84),
        new("Madrid", 40.42, -3.70),
        new("Manila", 14.60, 120.98),
        new("Marseille", 43.30, 5.37),
        new("Melbourne", -37.81, 144.96),
        new("Mexico City", 19.43, -99.13),
        new("Miami", 25.76, -80.19),
        new("Milan", 45.46, 9.19),
        new("Montreal", 45.50, -73.57),
        new("Moscow", 55.76, 37.62),
        new("Mumbai", 19.08, 72.88),
        new("Munich", 48.14, 11.58),
        new("Nairobi", -1.29, 36.82),
        new("New York", 40.71, -74.01),
        new("Osaka", 34.69, 135.50),
        new("Oslo", 59.91, 10.75),
        new("Paris", 48.86, 2.35),
        new("Perth", -31.95, 115.86),
        new("Prague", 50.08, 14.44),
        new("Rio de Janeiro", -22.91, -43.17),
        new("Riyadh", 24.71, 46.68),
        new("Rome", 41.90, 12.50),
        new("San Francisco", 37.77, -122.42),
        new("Santiago", -33.45, -70.67),
        new("Sao Paulo", -23.55, -46.63),
        new("Seattle", 47.61, -122.33),
        new("Seoul", 37.57, 126.98),
        new("Shanghai", 31.23, 121.47),
        new("Shenzhen", 22.54, 114.06),
        new("Singapore", 1.35, 103.82),
        new("Sofia", 42.70, 23.32),
        new("Stockholm", 59.33, 18.07),
        new("Sydney", -33.87, 151.21),
        new("Taipei", 25.03, 121.57),
        new("Tashkent", 41.30, 69.24),
        new("Tehran", 35.69, 51.39),
        new("Tel Aviv", 32.09, 34.78),
        new("Tokyo", 35.68, 139.65),
        new("Toronto", 43.65, -79.38),
        new("Vancouver", 49.28, -123.12),
        new("Vienna", 48.21, 16.37),
        new("Warsaw", 52.23, 21.01),
        new("Washington", 38.91, -77.04),
        new("Zurich", 47.38, 8.54),
    ];

    /// <summary>The city with that name, or null; small letters and large ones are the same, and so are a blank and a hyphen.</summary>
    public static City? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(city => city.Name.Equals(name.Replace('-', ' '), StringComparison.OrdinalIgnoreCase));
    }
}
