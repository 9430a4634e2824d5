/**
 * A project as many are: Spring Boot, in modules, with web, data, security, messages and tests, compiled and packaged.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The Spring Boot whose parent it has. */
const SPRING_BOOT = '3.2.0';

/** Starters (or other artifacts that the parent has the version of) by module; each module wants those before it. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  core: [
    'org.springframework.boot:spring-boot-starter',
    'org.springframework.boot:spring-boot-starter-json',
    'org.apache.commons:commons-lang3',
    'com.github.ben-manes.caffeine:caffeine',
  ],
  data: [
    'org.springframework.boot:spring-boot-starter-data-jpa',
    'org.springframework.boot:spring-boot-starter-data-redis',
    'org.flywaydb:flyway-core',
    'com.h2database:h2',
    'org.postgresql:postgresql',
  ],
  messages: [
    'org.springframework.boot:spring-boot-starter-amqp',
    'org.springframework.boot:spring-boot-starter-mail',
    'org.springframework.kafka:spring-kafka',
  ],
  web: [
    'org.springframework.boot:spring-boot-starter-web',
    'org.springframework.boot:spring-boot-starter-security',
    'org.springframework.boot:spring-boot-starter-validation',
    'org.springframework.boot:spring-boot-starter-thymeleaf',
    'org.springframework.boot:spring-boot-starter-actuator',
    'org.springframework.boot:spring-boot-starter-webflux',
    'io.micrometer:micrometer-registry-prometheus',
  ],
};

/** Writes it into `directory`, which is emptied. */
export function writeProject(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  const names = Object.keys(MODULES);
  put(
    join(directory, 'pom.xml'),
    `<project><modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>${SPRING_BOOT}</version><relativePath/></parent>
  <groupId>org.example</groupId><artifactId>shop</artifactId><version>1.0</version><packaging>pom</packaging>
  <properties><java.version>17</java.version></properties>
  <modules>${names.map((name) => `<module>${name}</module>`).join('')}</modules>
</project>\n`,
  );
  for (const [at, [name, wanted]] of Object.entries(MODULES).entries()) {
    const before = names
      .slice(0, at)
      .map((each) => dependency(`org.example:${each}`, '<version>1.0</version>'));
    const test = dependency('org.springframework.boot:spring-boot-starter-test', '<scope>test</scope>');
    put(
      join(directory, name, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.example</groupId><artifactId>shop</artifactId><version>1.0</version></parent>
  <artifactId>${name}</artifactId>
  <dependencies>${[...before, ...wanted.map((each) => dependency(each)), test].join('\n')}</dependencies>
  ${at === names.length - 1 ? BOOT_PLUGIN : ''}
</project>\n`,
    );
    put(join(directory, name, 'src/main/java/org/example', name, 'Main.java'), source(name));
  }
}

/** Makes the last module a jar that runs. */
const BOOT_PLUGIN =
  '<build><plugins><plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build>';

function dependency(what: string, more = ''): string {
  const [group, artifact] = what.split(':');
  return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>${more}</dependency>`;
}

function source(name: string): string {
  return `package org.example.${name};

@org.springframework.boot.autoconfigure.SpringBootApplication
public class Main {
  public static void main(String[] args) {
    org.springframework.boot.SpringApplication.run(Main.class, args);
  }
}
`;
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
