# Debezium's worker of Kafka Connect, with the connector for MariaDB that Milepost is tested with in the place of its own.
# Each connector has a folder, and so a class path, to itself. Build it from the repository's root:
# docker build -f deploy/connect.Dockerfile .
FROM maven:3.9-eclipse-temurin-21 AS jars
WORKDIR /wanted
COPY cdc/mariadb/pom.xml cdc/mariadb/jars.sha256 ./
RUN mvn -q -B -C dependency:copy-dependencies -DoutputDirectory=/jars -DincludeScope=runtime
RUN cd /jars && sha256sum --quiet --check /wanted/jars.sha256

FROM quay.io/debezium/connect:3.6
RUN rm -r /kafka/connect/debezium-connector-mariadb
COPY --from=jars /jars /kafka/connect/debezium-connector-mariadb
